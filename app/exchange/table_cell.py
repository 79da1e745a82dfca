"""Cells of foreign tables: dates and numbers in the forms that hospitals write, never guessed.

What one cell leaves open ("3/2/1990", "1,234") the other cells of its column may settle; where they do
not, the cell is not read.
"""

import re
from dataclasses import dataclass
from datetime import date

from app.clinical.record import Quantity

_ISO = re.compile(r"(\d{4})(?:[-/.](\d\d?)(?:[-/.](\d\d?))?)?(?:[T ]+(\d\d?:\d\d.*))?")
_PLAIN = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)?)?")
_DOTTED = re.compile(r"(\d\d?)\.\s?(\d\d?)\.\s?(\d{4})(?:[T ,]+(\d\d?:\d\d.*))?")
_SLASHED = re.compile(r"(\d\d?)[/-](\d\d?)[/-](\d{4})(?:[T ,]+(\d\d?:\d\d.*))?")
_NAMED = re.compile(
    r"(?:(\d\d?)[ .-]+([a-z]{3})[a-z]*|([a-z]{3})[a-z]*\.? (\d\d?),?)[ .,-]+(\d{4})(?:[T ,]+(\d\d?:\d\d.*))?",
    re.IGNORECASE,
)
_TIME = re.compile(r"(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(Z|[+-]\d\d:?\d\d)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = re.compile(r"(<=|>=|<|>|≤|≥)?\s*+([+-]?[\d.,' \u00a0\u202f]*\d)(?:[eE]([+-]?\d{1,3}))?")
_COMPARATORS = {"≤": "<=", "≥": ">="}


@dataclass(slots=True)
class ColumnHabit:
    """What the unambiguous cells of a column show."""

    day_first: bool = False
    month_first: bool = False
    decimal_comma: bool = False
    decimal_point: bool = False

    def see(self, text: str) -> None:
        """Learn from one cell."""
        slashed = _SLASHED.fullmatch(text)
        if slashed:
            first, second = int(slashed[1]), int(slashed[2])
            self.day_first |= first > 12 >= second
            self.month_first |= second > 12 >= first
            return
        digits = re.sub(r"[^\d.,]", "", text)
        last = max(digits.rfind(","), digits.rfind("."))
        both = "," in digits and "." in digits
        if last >= 0 and (both or (len(digits) - last != 4 and digits.count(digits[last]) == 1)):
            self.decimal_comma |= digits[last] == ","
            self.decimal_point |= digits[last] == "."


def iso_moment(text: str, habit: ColumnHabit) -> str | None:
    """A date or time in ISO 8601; None where the cell holds none that is certain."""
    if not text:
        return ""
    if match := _PLAIN.fullmatch(text):
        year, month, day, *clock = match.groups()
        return _moment(year, month, day, ":".join(filter(None, clock)))
    if match := _ISO.fullmatch(text):
        return _moment(*match.groups())
    if match := _DOTTED.fullmatch(text):
        return _moment(match[3], match[2], match[1], match[4])
    if match := _SLASHED.fullmatch(text):
        same = match[1].zfill(2) == match[2].zfill(2)
        if habit.day_first == habit.month_first and not same:
            return None
        day, month = (1, 2) if habit.day_first else (2, 1)
        return _moment(match[3], match[month], match[day], match[4])
    if match := _NAMED.fullmatch(text):
        name = (match[2] or match[3]).casefold()
        month_number = str(_MONTHS.index(name) + 1) if name in _MONTHS else ""
        return _moment(match[5], month_number, match[1] or match[4], match[6])
    return None


def measured(text: str, habit: ColumnHabit) -> Quantity | None:
    """A number, perhaps with a comparator; None where it is none, or might be a thousandfold another."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    sign, digits, exponent = match.groups()
    plain = re.sub(r"[' \u00a0\u202f]", "", digits)
    plain = _with_point(plain, habit)
    try:
        value = float(f"{plain}e{exponent or 0}")
    except ValueError:
        return None
    return Quantity(value, "", _COMPARATORS.get(sign, sign or "")) if abs(value) < 1e15 else None


def _with_point(digits: str, habit: ColumnHabit) -> str:
    """The number with a decimal point and no grouping; no number where that is not certain."""
    comma, point = digits.rfind(","), digits.rfind(".")
    if comma < 0 and point < 0:
        return digits
    decimal, group = (",", ".") if comma > point else (".", ",")
    whole, _, rest = digits.rpartition(decimal)
    if decimal not in whole and (group in whole or len(rest) != 3):
        grouped = all(len(part) == 3 for part in whole.split(group)[1:])
        return f"{whole.replace(group, '')}.{rest}" if grouped else "?"
    if decimal == "." and decimal not in whole and not habit.decimal_comma:
        return digits  # 1.234 is only in doubt where the column writes commas
    means_decimal, means_group = (
        (habit.decimal_comma, habit.decimal_point)
        if decimal == ","
        else (habit.decimal_point, habit.decimal_comma)
    )
    if means_group and not means_decimal:
        return digits.replace(decimal, "") if all(len(p) == 3 for p in digits.split(decimal)[1:]) else "?"
    return f"{whole}.{rest}" if means_decimal and not means_group and decimal not in whole else "?"


def _moment(year: str, month: str | None, day: str | None, clock: str | None) -> str | None:
    numbers = [int(part) for part in (year, month, day) if part]
    try:
        date(*(*numbers, 1, 1)[:3])
    except ValueError:
        return None
    parts = [f"{number:02}" for number in numbers]
    if not clock:
        return "-".join(parts)
    match = _TIME.fullmatch(clock.strip())
    if match is None or len(parts) < 3:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if hour > 23 or minute > 59 or second > 59:
        return None
    return f"{'-'.join(parts)}T{hour:02}:{minute:02}:{second:02}{match[4] or ''}"
