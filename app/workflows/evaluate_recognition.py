"""Measures the recogniser: terms in abstracts (GSC+), negation (NegEx), everyday language, blind notes."""

import csv
import gzip
import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from app.config.settings import cache_dir
from app.errors import UsageError
from app.workflows.evaluate_blind_notes import measure_blind_notes
from app.workflows.evaluate_lay_sentences import measure_lay_sentences
from app.workflows.suggest_findings import PHENOTYPIC_ABNORMALITY, build_recogniser
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.recognition.context import ContextRules
from ml.recognition.recogniser import Recogniser
from ml.recognition.tokens import words_of

_GOLD = re.compile(r"\[(\d+)::(\d+)\]\t(HP_\d+)")


def measure(
    progress: Callable[..., None], *, size: int | None = None, data: str | None = None
) -> dict[str, object]:
    """Terms by document, negation, everyday language, notes written blind; milliseconds a text.

    `data` is a folder with `hpo_concepts/*.zip` and `negation/*.tsv.gz`; `size` limits the texts.
    """
    folder = Path(data) if data else Path("../shared/data")
    concepts, sentences = _first(folder, "hpo_concepts/*.zip"), _first(folder, "negation/*.tsv.gz")
    graph = load_compiled(cache_dir())
    progress("reading annotated abstracts")
    recogniser = build_recogniser(graph, cache_dir())
    terms = _measure_terms(recogniser, list(_abstracts(concepts, graph))[:size])
    progress("reading sentences with negation")
    negation = _measure_negation(recogniser, sentences, size)
    progress("reading sentences in everyday language")
    lay = measure_lay_sentences(recogniser, graph)
    return {**terms, **negation, **lay, **measure_blind_notes(recogniser, graph)}


def _first(folder: Path, pattern: str) -> Path:
    found = next(iter(sorted(folder.glob(pattern))), None)
    if found is None:
        raise UsageError(f"{folder} holds no {pattern}; name the folder of annotated texts with --data")
    return found


def _abstracts(path: Path, graph: CompiledGraph) -> Iterator[tuple[str, set[str]]]:
    """(text, ids of the phenotypic abnormalities annotated in it)."""
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/")]
        for ann in (n for n in names if "/ann/" in n):
            stem = ann.rsplit("/", 1)[1]
            text = next(n for n in names if n.rsplit("/", 1)[1] == stem and "/ann/" not in n)
            gold = {m.group(3).replace("_", ":") for m in _GOLD.finditer(archive.read(ann).decode("utf-8"))}
            yield archive.read(text).decode("utf-8"), _abnormalities(graph, gold)


def _abnormalities(graph: CompiledGraph, term_ids: set[str]) -> set[str]:
    kept: set[str] = set()
    for term_id in term_ids:
        try:
            if graph.is_a(term_id, PHENOTYPIC_ABNORMALITY):
                kept.add(graph.resolve(term_id))
        except UnknownTerm:
            continue
    return kept


def _measure_terms(recogniser: Recogniser, texts: list[tuple[str, set[str]]]) -> dict[str, object]:
    both = found_only = gold_only = 0
    started = time.perf_counter()
    for text, gold in texts:
        found = {m.term_id for m in recogniser.mentions(text)}
        both += len(found & gold)
        found_only += len(found - gold)
        gold_only += len(gold - found)
    elapsed = time.perf_counter() - started
    precision, recall = both / max(both + found_only, 1), both / max(both + gold_only, 1)
    return {
        "texts": len(texts),
        "term_precision": precision,
        "term_recall": recall,
        "term_f1": 2 * precision * recall / max(precision + recall, 1e-9),
        "ms_per_text": 1000 * elapsed / max(len(texts), 1),
    }


def _measure_negation(recogniser: Recogniser, path: Path, size: int | None) -> dict[str, object]:
    rules = ContextRules.load()
    counts = {(gold, seen): 0 for gold in (True, False) for seen in (True, False)}
    with gzip.open(path, "rb") as stream:
        rows = list(csv.DictReader(io.TextIOWrapper(stream, "utf-8"), delimiter="\t"))[:size]
    for row in rows:
        seen = _is_negated(rules, recogniser, row["sentence"], row["condition"])
        if seen is not None:
            counts[row["negation"] == "Negated", seen] += 1
    right, wrong = counts[True, True], counts[False, True] + counts[True, False]
    total = sum(counts.values())
    return {
        "sentences": total,
        "sentences_not_located": len(rows) - total,
        "negation_f1": 2 * right / max(2 * right + wrong, 1),
        "negation_accuracy": (right + counts[False, False]) / max(total, 1),
    }


def _is_negated(rules: ContextRules, recogniser: Recogniser, sentence: str, condition: str) -> bool | None:
    """What the rules say of a condition in its sentence; None where it is not found there."""
    place = re.search(r"\s+".join(map(re.escape, condition.split())), sentence, re.IGNORECASE)
    if place is None:
        return None
    words = words_of(sentence)
    inside = [i for i, w in enumerate(words) if w.start < place.end() and w.end > place.start()]
    if not inside:
        return None
    found = recogniser.mentions(sentence)
    named = {i for i, w in enumerate(words) if any(w.start < m.end and w.end > m.start for m in found)}
    starts, said = rules.sentence_starts(sentence, words), rules.triggers(sentence, words)
    return rules.context(
        inside[0],
        inside[-1],
        starts=starts,
        triggers=rules.with_closed_lists(sentence, words, said, starts=starts, named=named.union(inside)),
        section=rules.section_kinds(sentence, words)[inside[0]],
    ).negated
