"""What a person typed into a form, as the importers would keep it: a day, a line, a text."""

from datetime import date

from app.errors import UsageError
from app.exchange.item import ReadLimits
from app.exchange.strict_json import storable_text
from app.exchange.table_cell import ColumnHabit, iso_moment

EARLIEST_YEARS_AGO = 130


def typed_day(typed: str, today: date, *, what: str) -> str:
    """An ISO date, perhaps only a year or a month; empty where nothing was typed. Raises UsageError."""
    day = iso_moment(typed.strip(), ColumnHabit())
    if day is None:
        raise UsageError(f"{what} can't be read for certain; write YYYY-MM-DD")
    day = day[: len("2000-01-01")]
    if day > today.isoformat()[: len(day)]:
        raise UsageError(f"{what} lies in the future; correct it")
    if day and int(day[:4]) < today.year - EARLIEST_YEARS_AGO:
        raise UsageError(f"{what} lies more than {EARLIEST_YEARS_AGO} years back; correct the year")
    return day


def typed_line(typed: str, *, longest: int, what: str) -> str:
    """One line without spare spaces. Raises UsageError where it has more than `longest` characters."""
    line = " ".join(storable_text(typed).split())
    if len(line) > longest:
        raise UsageError(f"{what} is longer than {longest} characters; shorten it")
    return line


def typed_text(typed: str, limits: ReadLimits | None = None) -> str:
    """A note's text, as it was typed. Raises UsageError where it is empty or larger than an import takes."""
    text = storable_text(typed)
    if not text.strip():
        raise UsageError("the note has no text yet; type or paste it")
    largest = (limits or ReadLimits()).largest_document
    if len(text.encode("utf-8")) > largest:
        raise UsageError(f"the text is larger than {largest >> 20} MiB; save it as several notes")
    return text
