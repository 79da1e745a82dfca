"""Explains what the text model says of a disease: by the sentences of the notes, and by the findings in them.

One reading of the notes with each part left out in turn explains every disease at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.clinical.text_reason import NotePart, PartKind, TextReason
from app.workflows.diagnose import DiagnosisService
from app.workflows.suggest_findings import is_about_patient
from knowledge_graph.terms.term import TermId
from ml.explain.occlusion import Span, occlude
from ml.explain.sentences import sentence_spans
from ml.recognition.recogniser import Recogniser

MOST_SENTENCES = 120  # of one note: more are joined with their neighbours
MOST_FINDINGS = 80  # of one note, in reading order


@dataclass(frozen=True, slots=True)
class TextExplanation:
    """What each part of the notes says of each disease that the text model knows.

    `whole` are log probabilities (labels,) of the notes together, `without` those (parts, labels) with
    one part hidden.
    """

    labels: tuple[str, ...]
    parts: tuple[NotePart, ...]
    whole: npt.NDArray[np.float32]
    without: npt.NDArray[np.float32]

    def reasons(self, disease_ids: Sequence[str]) -> tuple[TextReason, ...]:
        """Reasons for a disease under all its ids together; none where the text model lacks it."""
        columns = [column for column, label in enumerate(self.labels) if label in disease_ids]
        if not columns:
            return ()
        weights = _together(self.whole[None, columns]) - _together(self.without[:, columns])
        return tuple(TextReason(p, float(w)) for p, w in zip(self.parts, weights, strict=True))


def explain_texts(
    service: DiagnosisService, texts: Sequence[str], *, ages: Sequence[int | None] | None = None
) -> TextExplanation:
    """Read the notes with each part hidden. Without a text model, or a word, there is no part.

    `ages` are the patient's in days, a text each: findings are read by them.
    """
    predictor = service.predictor
    spoken = [number for number, text in enumerate(texts) if text.strip()]
    if predictor is None or not spoken:
        return TextExplanation((), (), np.zeros(0, np.float32), np.zeros((0, 0), np.float32))
    parts = [
        tuple(note_parts(service.recogniser, n, texts[n], age_days=ages[n] if ages else None)) for n in spoken
    ]
    read = [
        occlude(predictor, texts[n], [part.spans for part in own])
        for n, own in zip(spoken, parts, strict=True)
    ]
    whole = np.mean([found.whole for found in read], axis=0)
    without = [whole + (found.without - found.whole) / len(spoken) for found in read]
    stacked = np.concatenate(without).astype(np.float32)
    every_part = tuple(part for own in parts for part in own)
    return TextExplanation(predictor.labels, every_part, whole.astype(np.float32), stacked)


def note_parts(
    recogniser: Recogniser, number: int, text: str, *, age_days: int | None = None
) -> Iterator[NotePart]:
    """The sentences of a note, then each finding about the patient with all its mentions."""
    for span in _joined(sentence_spans(text)):
        yield NotePart(number, PartKind.SENTENCE, (span,))
    spans: dict[str, list[Span]] = {}
    for mention in recogniser.mentions(text, age_days=age_days):
        if is_about_patient(mention) and (mention.term_id in spans or len(spans) < MOST_FINDINGS):
            spans.setdefault(mention.term_id, []).append((mention.start, mention.end))
    for term_id, places in spans.items():
        yield NotePart(number, PartKind.FINDING, tuple(places), TermId(term_id))


def _joined(sentences: Sequence[Span]) -> list[Span]:
    """At most so many: neighbours are joined where a note has more."""
    size = -(-len(sentences) // MOST_SENTENCES) or 1
    groups = (sentences[start : start + size] for start in range(0, len(sentences), size))
    return [(group[0][0], group[-1][1]) for group in groups]


def _together(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Log of the summed probabilities along the last axis."""
    summed: npt.NDArray[np.float64] = np.logaddexp.reduce(rows.astype(np.float64), axis=-1)
    return summed
