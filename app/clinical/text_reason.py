"""What one part of a patient's notes says of one disease, in the eyes of the text model."""

from dataclasses import dataclass
from enum import StrEnum

from knowledge_graph.terms.term import TermId


class PartKind(StrEnum):
    """A part is a sentence (or heading, or entry of a list), or every mention of one finding in a note."""

    SENTENCE = "sentence"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class NotePart:
    """Spans of a note, in code points; `note` counts the patient's notes from 0."""

    note: int
    kind: PartKind
    spans: tuple[tuple[int, int], ...]
    term_id: TermId | None = None


@dataclass(frozen=True, slots=True)
class TextReason:
    """How much the disease's log probability, by the text model alone, falls without the part.

    Natural logarithm: positive speaks for the disease, negative against it.
    """

    part: NotePart
    weight: float
