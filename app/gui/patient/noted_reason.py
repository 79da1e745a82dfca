"""What a sentence of a note, or a finding in it, counts for a disease, as the patient page shows it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.clinical.ids import NoteId
from app.clinical.note import Note
from app.clinical.text_reason import PartKind, TextReason
from app.gui.patient.sentence_wash import Wash
from knowledge_graph.terms.term import TermId

SILENT = 0.05  # natural-log units: weaker says nothing either way
MOST_SENTENCES = 5  # in the list of reasons; the note shows all
_LEAST_SCALE = 1.0  # natural-log units that are painted in full strength at the least


@dataclass(frozen=True, slots=True)
class NotedReason:
    """A sentence with its place and its weight; natural logarithm."""

    note_id: NoteId
    start: int
    end: int
    quote: str
    origin: str
    weight: float


def sentences(notes: Sequence[Note], reasons: Iterable[TextReason]) -> tuple[NotedReason, ...]:
    """The sentences that say something, in reading order."""
    return tuple(
        _noted(notes[r.part.note], r)
        for r in reasons
        if r.part.kind is PartKind.SENTENCE and abs(r.weight) >= SILENT
    )


def strongest(noted: Sequence[NotedReason]) -> tuple[NotedReason, ...]:
    """The few that say most: those for the disease first, then those against it."""
    few = sorted(noted, key=lambda reason: -abs(reason.weight))[:MOST_SENTENCES]
    return tuple(sorted(few, key=lambda reason: -reason.weight))


def by_finding(reasons: Iterable[TextReason]) -> Mapping[TermId, float]:
    """What the mentions of each finding count over all notes."""
    found: dict[TermId, float] = {}
    for reason in reasons:
        if reason.part.term_id is not None:
            found[reason.part.term_id] = found.get(reason.part.term_id, 0.0) + reason.weight
    return found


def washes(noted: Sequence[NotedReason], note_id: NoteId, disease: str) -> tuple[Wash, ...]:
    """What is painted in one note; the strongest sentence of all notes sets the scale."""
    scale = max((abs(reason.weight) for reason in noted), default=0.0)
    return tuple(
        Wash(r.start, r.end, r.weight / max(scale, _LEAST_SCALE), told(r.weight, disease))
        for r in noted
        if r.note_id == note_id
    )


def told(weight: float, disease: str) -> str:
    """A weight in words."""
    side = "for" if weight > 0 else "against"
    return f"The text model takes this sentence as {side} {disease} ({signed(weight)})"


def signed(weight: float) -> str:
    """A weight with its sign."""
    return f"{weight:+.1f}".replace("-", "−")


def _noted(note: Note, reason: TextReason) -> NotedReason:
    (start, end) = reason.part.spans[0]
    quote = " ".join(note.text[start:end].split())
    origin = "  ·  ".join(part for part in (note.title or "Note", note.written_at[:10]) if part)
    return NotedReason(note.id, start, end, quote, origin, reason.weight)
