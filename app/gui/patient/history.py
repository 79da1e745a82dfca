"""Undo and redo over append-only logs: each step back is one more event, never a deletion."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis


@dataclass(frozen=True, slots=True)
class MarkStep:
    """A mark before and after a deed; None where it did not stand."""

    before: Annotation | None
    after: Annotation | None


@dataclass(frozen=True, slots=True)
class DecisionStep:
    """The word on a disease before and after a deed; None where there was none."""

    before: Diagnosis | None
    after: Diagnosis | None


Step = MarkStep | DecisionStep


@dataclass(frozen=True, slots=True)
class History:
    """What was done, latest last, and what was undone since, latest last."""

    done: tuple[Step, ...] = ()
    undone: tuple[Step, ...] = ()

    def with_step(self, step: Step) -> "History":
        """After a new deed; what was undone before can't be redone any more."""
        return History((*self.done, step))

    def undo(self) -> tuple["History", Step] | None:
        """The history one step back, and the step that leads there."""
        if not self.done:
            return None
        last = self.done[-1]
        return History(self.done[:-1], (*self.undone, last)), reversed_step(last)

    def redo(self) -> tuple["History", Step] | None:
        """The history one step forward, and the step that leads there."""
        if not self.undone:
            return None
        step = self.undone[-1]
        return History((*self.done, step), self.undone[:-1]), step


def reversed_step(step: Step) -> Step:
    """The step that takes a step back."""
    if isinstance(step, MarkStep):
        return MarkStep(step.after, step.before)
    return DecisionStep(step.after, step.before)


def logged_history(events: Iterable[AnnotationEvent], diagnoses: Iterable[Diagnosis]) -> History:
    """The history that the logs of a patient tell, so that undo reaches back to the first event."""
    marks: dict[str, Annotation] = {}
    words: dict[str, Diagnosis] = {}
    steps: list[Step] = []
    records: list[AnnotationEvent | Diagnosis] = [*events, *diagnoses]
    for record in sorted(records, key=lambda r: r.at):
        if isinstance(record, Diagnosis):
            said = None if record.decision is Decision.WITHDRAWN else record
            steps.append(DecisionStep(words.pop(record.disease_id, None), said))
            if said is not None:
                words[record.disease_id] = said
        else:
            mark = _mark_after(record)
            steps.append(MarkStep(marks.pop(record.annotation.id, None), mark))
            if mark is not None:
                marks[mark.id] = mark
    return History(tuple(steps))


def record_of(step: Step, *, author: str, at: str) -> AnnotationEvent | Diagnosis:
    """The log entry that performs a step."""
    if isinstance(step, DecisionStep):
        if step.after is not None:
            return replace(step.after, author=author, at=at)
        assert step.before is not None
        return replace(step.before, decision=Decision.WITHDRAWN, author=author, at=at)
    return AnnotationEvent(*_action(step), author=author, at=at)


def _action(step: MarkStep) -> tuple[AnnotationAction, Annotation]:
    if step.after is None:
        assert step.before is not None
        return AnnotationAction.REMOVE, step.before
    if step.after.rejected:
        return AnnotationAction.REJECT, step.after
    fresh = step.before is None or step.before.rejected
    return (AnnotationAction.ADD if fresh else AnnotationAction.CHANGE), step.after


def _mark_after(event: AnnotationEvent) -> Annotation | None:
    if event.action is AnnotationAction.REMOVE:
        return None
    return replace(event.annotation, rejected=event.action is AnnotationAction.REJECT)
