"""A clinician's marks on a note, as an append-only log of events.

Undo is one more event, never a deletion: the log says who thought what, and when.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from app.clinical.ids import AnnotationId, NoteId
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId


class AnnotationAction(StrEnum):
    """What an event does to its annotation."""

    ADD = "add"  # a new mark (by hand, or an accepted suggestion)
    CHANGE = "change"  # another term, state or span
    REJECT = "reject"  # a suggestion marked as wrong; kept, so that it is not offered again
    REMOVE = "remove"  # the mark is taken back


@dataclass(frozen=True, slots=True)
class Annotation:
    """A span of a note that stands for a finding; `start`/`end` are code points, end exclusive.

    An empty span at the note's end is an answer: the clinician said so, in no words of the note.
    """

    id: AnnotationId
    note_id: NoteId
    start: int
    end: int
    term_id: TermId
    state: FindingState = FindingState.OBSERVED
    rejected: bool = False

    @property
    def is_answer(self) -> bool:
        """Whether no words of the note stand for it."""
        return self.start == self.end

    def fits(self, text: str) -> bool:
        """Whether it lies inside the text, or is an answer at its end."""
        inside = 0 <= self.start < self.end <= len(text)
        return inside or self.start == self.end == len(text)


@dataclass(frozen=True, slots=True)
class AnnotationEvent:
    """One entry of the log. `annotation` is the mark as it stands after the event."""

    action: AnnotationAction
    annotation: Annotation
    author: str
    at: str


def current_annotations(events: Iterable[AnnotationEvent]) -> tuple[Annotation, ...]:
    """Fold a note's events, oldest first, into the marks that stand, in reading order."""
    standing: dict[AnnotationId, Annotation] = {}
    for event in events:
        mark = event.annotation
        if event.action is AnnotationAction.REMOVE:
            standing.pop(mark.id, None)
        elif event.action is AnnotationAction.REJECT:
            standing[mark.id] = replace(mark, rejected=True)
        else:
            standing[mark.id] = mark
    return tuple(sorted(standing.values(), key=lambda a: (a.start, a.end, a.id)))
