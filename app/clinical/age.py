"""Ages: from a birth date, and as ISO 8601 durations, in days and in words."""

import re
from datetime import date

_NUMBER = r"(\d{1,9}(?:[.,]\d{1,9})?)"
_DURATION = re.compile(
    rf"P(?=[\dT])(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    r"(?:T(?=\d)(?:[\d.,]+H)?(?:[\d.,]+M)?(?:[\d.,]+S)?)?"
)
_WORDS = ("year", "month", "week", "day")


def age_days(birth_date: str, on: date) -> int | None:
    """Age in days on a day, from a full or partial ISO date; None where unknown."""
    parts = birth_date.split("T")[0].split("-")
    try:
        year, month, day = (int(p) for p in (*parts, "1", "1")[:3])
        days = (on - date(year, month, day)).days
    except ValueError:
        return None
    return days if days >= 0 else None


def age_days_at(birth_date: str, when: str) -> int | None:
    """The same at an ISO date or date and time; None where that is no whole date either."""
    try:
        return age_days(birth_date, date.fromisoformat(when[:10]))
    except ValueError:
        return None


def iso_duration_days(text: str) -> int | None:
    """An ISO 8601 duration of years, months, weeks and days, in days; None where it is none."""
    parts = _parts(text)
    if parts is None:
        return None
    years, months, weeks, days = parts
    return round(years * 365.25 + months * 30.44 + weeks * 7 + days)


def iso_duration_words(text: str) -> str:
    """ "P1Y6M" as "1 year 6 months"; empty where it is no duration."""
    counted = zip(_parts(text) or (), _WORDS, strict=False)
    return " ".join(f"{n:g} {word}{'s' if n != 1 else ''}" for n, word in counted if n)


def _parts(text: str) -> list[float] | None:
    match = _DURATION.fullmatch(text)
    return match and [float((part or "0").replace(",", ".")) for part in match.groups()]
