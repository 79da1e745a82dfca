"""Teaches the wording encoder on the ontology's names, synonyms and descriptions, and writes it.

Public knowledge only. The MiniLM encoder is the first teacher; it is not needed afterwards.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from app.config.settings import cache_dir
from app.errors import WorkerFailed
from app.workflows.term_wordings import Entry, shortened, term_descriptions, term_wordings
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.terms.term import TermId
from ml.linking.wording_encoder import Floats, WordingEncoder
from ml.linking.wording_file import FILE, encoder_to_bytes
from ml.text.encoder_files import EncoderFiles, find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import build_classifier, encode_texts
from ml.training.wording_training import Teaching, learn_wordings

SHIPPED = Path(__file__).resolve().parents[2] / "resources" / "linking" / FILE
PORTION = 4096  # texts read between two lines of progress
Progress = Callable[..., object]


class Teacher:
    """The text encoder, zero-shot: each text's mean-pooled state. What it has read it remembers.

    With `threads`, torch takes as many from now on, here and in what is learned from it.
    """

    def __init__(self, progress: Progress, *, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        encoder: EncoderFiles = find_encoder()
        head = {
            "head.weight": np.zeros((1, encoder.hidden_size), np.float32),
            "head.bias": np.zeros(1, np.float32),
        }
        self._classifier = build_classifier(encoder.tensors() | head, ["none"], encoder.config)
        self._tokenizer = TextTokenizer(encoder.tokenizer_json)
        self._progress = progress
        self._known: dict[str, Floats] = {}
        vocabulary: list[str] = list(json.loads(encoder.tokenizer_json)["model"]["vocab"])
        self.words = [w for w in vocabulary if w.isascii() and w.isalpha() and len(w) > 2]

    def vectors(self, texts: Sequence[str]) -> Floats:
        """One row for each text."""
        unread = list(dict.fromkeys(t for t in texts if t not in self._known))
        for start in range(0, len(unread), PORTION):
            self._progress(f"reading wordings with the text encoder: {start} of {len(unread)}")
            part = unread[start : start + PORTION]
            read = encode_texts(self._classifier, self._tokenizer, part, batch_size=128)
            self._known.update(zip(part, read, strict=True))
        return np.stack([self._known[text] for text in texts])


def teach(
    entries: Sequence[Entry],
    descriptions: Mapping[TermId, str],
    teacher: Teacher,
    *,
    taught: Callable[[TermId], bool] = lambda _term: True,
    seed: int = 0,
    progress: Progress,
) -> WordingEncoder:
    """An encoder of these wordings; terms that are not `taught` lend the teacher's words only."""
    terms = [(term, wordings) for term, wordings in entries if taught(term)]
    read = list(dict.fromkeys(_all_wordings(entries))) + teacher.words
    told = {place: descriptions[term] for place, (term, _) in enumerate(terms) if term in descriptions}
    teaching = Teaching([w for _, w in terms], told, read, teacher.vectors(read))
    for report in learn_wordings(teaching, seed=seed):
        if isinstance(report, WordingEncoder):
            return report
        progress(f"learning wordings: step {report.step} of {report.steps}, loss {report.loss:.3f}")
    raise WorkerFailed("the wordings gave no encoder; try again")


def build_linking(
    progress: Progress, folder: Path | None = None, *, seed: int = 0, threads: int | None = None
) -> Path:
    """Teach on every wording of the installed HPO release and write the file (by default in the program)."""
    entries = term_wordings(load_compiled(cache_dir()))
    teacher = Teacher(progress, threads=threads)
    encoder = teach(entries, shortened(term_descriptions()), teacher, seed=seed, progress=progress)
    target = SHIPPED if folder is None else folder / FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encoder_to_bytes(encoder))
    return target


def _all_wordings(entries: Iterable[Entry]) -> Iterable[str]:
    return (wording for _, wordings in entries for wording in wordings)
