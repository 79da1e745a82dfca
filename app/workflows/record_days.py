"""How old an entry of a chart is, counted from the chart's newest one."""

from collections.abc import Iterator
from datetime import date
from itertools import chain

from app.clinical.chart import Chart
from app.clinical.note import Note


def newest_note_day(notes: tuple[Note, ...], *, today: date) -> date:
    """The day of the newest note that says when it was written, or today."""
    return day_of(max((n.written_at[:10] for n in notes if n.written_at), default="")) or today


def newest_day(chart: Chart, *, today: date) -> date:
    """The day of the newest entry, or today where none has a day; what lies ahead is no entry yet."""
    return max((day for day in map(day_of, _times(chart)) if day and day <= today), default=today)


def days_before(when: str, newest: date | None) -> int | None:
    """How many days before the newest entry something was; None where that is not known."""
    day = day_of(when)
    return None if day is None or newest is None else max(0, (newest - day).days)


def day_of(when: str) -> date | None:
    """The day of an ISO date or time; None where it is none, or a year or month alone."""
    try:
        return date.fromisoformat(when[:10])
    except ValueError:
        return None


def _times(chart: Chart) -> Iterator[str]:
    yield from (note.written_at for note in chart.notes)
    yield from chain.from_iterable((e.started_at, e.ended_at) for e in chart.encounters)
    yield from (condition.recorded_at for condition in chart.conditions)
    yield from (observation.effective_at for observation in chart.observations)
