"""The deeds on marks, as steps: what a key press means for the mark it falls on."""

from dataclasses import replace
from uuid import uuid4

from app.clinical.annotation import Annotation
from app.clinical.ids import AnnotationId, NoteId
from app.clinical.note import Note
from app.gui.patient.history import MarkStep
from app.gui.patient.mark import Mark
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId


def accepted(mark: Mark) -> MarkStep | None:
    """A suggestion becomes a mark; a mark that stands needs nothing."""
    return MarkStep(None, mark.annotation) if mark.suggested else None


def rejected(mark: Mark) -> MarkStep:
    """A suggestion is refused for good; a standing mark is struck out likewise."""
    before = None if mark.suggested else mark.annotation
    return MarkStep(before, replace(mark.annotation, rejected=True))


def toggled(mark: Mark) -> MarkStep:
    """Observed becomes excluded and back; a suggestion is accepted with the other state."""
    other = FindingState.OBSERVED if mark.excluded else FindingState.EXCLUDED
    return changed(mark, mark.annotation.term_id, other)


def changed(mark: Mark, term_id: TermId, state: FindingState) -> MarkStep:
    """Another term or state for a mark; a suggestion is accepted with it."""
    before = None if mark.suggested else mark.annotation
    return MarkStep(before, replace(mark.annotation, term_id=term_id, state=state))


def removed(mark: Mark) -> MarkStep | None:
    """A mark is taken back; a suggestion can't be."""
    return None if mark.suggested else MarkStep(mark.annotation, None)


def added(note_id: NoteId, span: tuple[int, int], term_id: TermId, state: FindingState) -> MarkStep:
    """A new mark by hand."""
    start, end = span
    return MarkStep(None, Annotation(AnnotationId(str(uuid4())), note_id, start, end, term_id, state))


def answered(note: Note, term_id: TermId, state: FindingState) -> MarkStep:
    """An answer of the clinician's: a mark without words, at the end of a note."""
    end = len(note.text)
    return added(note.id, (end, end), term_id, state)
