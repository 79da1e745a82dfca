"""Measures the term search on synonyms it has never seen, beside character n-grams and MiniLM zero-shot.

One synonym of each of 2,000 terms is taken out of every index, and none of these terms' wordings, nor
their descriptions, teach the encoder: it is learned anew. Terms are found among all abnormalities of HPO.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from app.config.settings import cache_dir
from app.workflows.search_terms import TermCatalogue
from app.workflows.teach_wordings import Teacher, teach
from app.workflows.term_wordings import (
    Entry,
    HeldOut,
    hold_out,
    shortened,
    term_descriptions,
    term_wordings,
    without,
)
from knowledge_graph.graph.cache import load_compiled
from ml.evaluation.share import paired_difference, share_of
from ml.linking.linker import Linker
from ml.linking.wording_encoder import unit

TERMS = 2000
CUTS = (1, 5)
NOT_SHOWN = 10**6
Floats = npt.NDArray[np.float32]
Ranks = npt.NDArray[np.int64]


def measure(
    progress: Callable[..., None], *, size: int | None = None, data: str | None = None
) -> dict[str, object]:
    """Top-1 and top-5 with 95 % intervals, and milliseconds a query; `size` is how many terms."""
    graph = load_compiled(cache_dir())
    every = term_wordings(graph)
    held_out = hold_out(every, size or TERMS)
    entries, gone = without(every, held_out), {held.term_id for held in held_out}
    teacher = Teacher(progress)
    zero_shot = _zero_shot(entries, held_out, teacher)
    encoder = teach(
        entries, shortened(term_descriptions()), teacher, taught=lambda t: t not in gone, progress=progress
    )
    progress("searching")
    linker = Linker(encoder, entries)
    catalogue = TermCatalogue(graph, entries=entries, linker=lambda _graph: linker)
    found, times = _searched(catalogue, held_out)
    ways = {
        "term search": found,
        "learned wordings alone": _ranks(linker.scores([h.synonym for h in held_out]), entries, held_out),
        "character n-grams": _ranks(_by_characters(entries, held_out), entries, held_out),
        "MiniLM zero-shot": zero_shot,
    }
    result: dict[str, object] = {"terms": len(held_out), "wordings searched": sum(len(w) for _, w in entries)}
    for name, ranks in ways.items():
        for k in CUTS:
            share = share_of(ranks < k)
            result |= _with_interval(f"{name}, top-{k}", share.value, share.low, share.high)
    for name in ("character n-grams", "MiniLM zero-shot"):
        for k in CUTS:
            gain = paired_difference(found < k, ways[name] < k)
            result |= _with_interval(f"term search - {name}, top-{k}", *gain)
    return result | times


def _with_interval(name: str, value: float, low: float, high: float) -> dict[str, object]:
    return {name: value, f"{name}, from": low, f"{name}, to": high}


def _searched(catalogue: TermCatalogue, held_out: Sequence[HeldOut]) -> tuple[Ranks, dict[str, float]]:
    """The place of each term among what a clinician is shown (far where it is not); what a query takes."""
    catalogue.search("warm")
    places, seconds = [], []
    worked = time.process_time()
    for held in held_out:
        started = time.perf_counter()
        shown = [hit.term_id for hit in catalogue.search(held.synonym)]
        seconds.append(time.perf_counter() - started)
        places.append(shown.index(held.term_id) if held.term_id in shown else NOT_SHOWN)
    worked = time.process_time() - worked
    times = {
        "ms a query, median": 1000 * float(np.median(seconds)),
        "processor ms a query": 1000 * worked / max(len(held_out), 1),
    }
    return np.array(places, np.int64), times


def _zero_shot(entries: Sequence[Entry], held_out: Sequence[HeldOut], teacher: Teacher) -> Ranks:
    names = [wording for _, wordings in entries for wording in wordings]
    near = unit(teacher.vectors([held.synonym for held in held_out])) @ unit(teacher.vectors(names)).T
    return _ranks(_by_term(near, entries), entries, held_out)


def _by_characters(entries: Sequence[Entry], held_out: Sequence[HeldOut]) -> Floats:
    """Cosines of TF-IDF vectors of runs of two to four letters within words."""
    names = [wording for _, wordings in entries for wording in wordings]
    runs = [_letter_runs(name) for name in names]
    seen = Counter(run for counts in runs for run in counts)
    number = {run: place for place, run in enumerate(seen)}
    rarity = np.log((1 + len(names)) / (1 + np.array(list(seen.values()), np.float32))) + 1
    asked = _weighed([_letter_runs(held.synonym) for held in held_out], number, rarity)
    near: Floats = (asked @ _weighed(runs, number, rarity).T).toarray()
    return _by_term(near, entries)


def _letter_runs(text: str) -> Counter[str]:
    words = [f" {word} " for word in text.casefold().split()]
    return Counter(w[i : i + n] for w in words for n in (2, 3, 4) for i in range(len(w) - n + 1))


def _weighed(texts: Sequence[Counter[str]], number: dict[str, int], rarity: Floats) -> csr_matrix:
    cells = [
        (row, number[r], c) for row, counts in enumerate(texts) for r, c in counts.items() if r in number
    ]
    rows, columns, counts = (np.array(part) for part in zip(*cells, strict=True))
    weights = counts.astype(np.float32) * rarity[columns]
    lengths = np.sqrt(np.bincount(rows, weights**2, minlength=len(texts)))
    scaled = (weights / lengths[rows]).astype(np.float32)
    return csr_matrix((scaled, (rows, columns)), shape=(len(texts), len(number)))


def _by_term(near: Floats, entries: Sequence[Entry]) -> Floats:
    counts = np.array([len(wordings) for _, wordings in entries])
    best: Floats = np.maximum.reduceat(near, np.cumsum(counts) - counts, axis=1)
    return best


def _ranks(scores: Floats, entries: Sequence[Entry], held_out: Sequence[HeldOut]) -> Ranks:
    """How many terms come before the right one; of those that score the same, half."""
    place = {term: number for number, (term, _) in enumerate(entries)}
    right = np.array([place[held.term_id] for held in held_out])
    own = scores[np.arange(len(right)), right][:, None]
    ranks: Ranks = (scores > own).sum(axis=1) + ((scores == own).sum(axis=1) - 1) // 2
    return ranks
