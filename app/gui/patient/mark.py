"""What a note shows of a finding: its span, its state, and whether it is still a suggestion."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.clinical.annotation import Annotation
from app.clinical.ids import AnnotationId
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to be painted; offsets are code points."""

    annotation: Annotation
    name: str
    suggested: bool

    @property
    def id(self) -> AnnotationId:
        """The annotation's id."""
        return self.annotation.id

    @property
    def start(self) -> int:
        """First code point."""
        return self.annotation.start

    @property
    def end(self) -> int:
        """One past the last code point."""
        return self.annotation.end

    @property
    def excluded(self) -> bool:
        """Whether the finding is said to be absent."""
        return self.annotation.state is FindingState.EXCLUDED

    @property
    def kind(self) -> str:
        """`observed`, `excluded` or `suggested`: the colour's and the shape's name."""
        return "suggested" if self.suggested else str(self.annotation.state)

    def sentence(self) -> str:
        """The mark in words, for tool tips and screen readers."""
        said = "Suggested: " if self.suggested else ""
        state = "absent" if self.excluded else "present"
        return f"{said}{self.name} ({self.annotation.term_id}), {state}"


def shown_marks(
    standing: Iterable[Annotation], suggested: Iterable[Annotation], name_of: Callable[[TermId], str]
) -> tuple[Mark, ...]:
    """Standing marks and open suggestions in reading order; rejected ones are not shown."""
    marks = [Mark(a, name_of(a.term_id), suggested=False) for a in standing if not a.rejected]
    marks += [Mark(a, name_of(a.term_id), suggested=True) for a in suggested]
    return tuple(sorted(marks, key=lambda m: (m.start, m.end, m.id)))


def neighbour(marks: tuple[Mark, ...], current: AnnotationId | None, at: int, step: int) -> Mark | None:
    """The next (+1) or previous (-1) suggestion from the current mark, or from an offset.

    Where no suggestion is left, every mark counts.
    """
    stops = [m for m in marks if m.suggested] or list(marks)
    if not stops:
        return None
    now = next((m for m in marks if m.id == current), None)
    place = (now.start, now.end, now.id) if now else (at, -1 if step > 0 else at, "")
    places = [(m.start, m.end, m.id) for m in stops]
    after = [m for m, p in zip(stops, places, strict=True) if (p > place if step > 0 else p < place)]
    if not after:
        return stops[0] if step > 0 else stops[-1]
    return after[0] if step > 0 else after[-1]
