"""GA4GH `TimeElement`: an age, a range of ages, a class of onset, a time or an interval."""

from datetime import date, timedelta
from typing import Any

from app.clinical.age import age_days, iso_duration_days, iso_duration_words
from app.exchange.fhir_fields import Fields, string
from knowledge_graph.terms.onset import EARLIEST_DAYS
from knowledge_graph.terms.term import TermId


def onset_days(moment: Any, birth_date: str = "") -> int | None:
    """The earliest age in days that a time element allows; None where it names none."""
    f = Fields(moment if isinstance(moment, dict) else {})
    spans = (f.map("age"), Fields(f.map("ageRange")).map("start"))
    for days in (iso_duration_days(string(span, "iso8601duration")) for span in spans):
        if days is not None:
            return days
    earliest = EARLIEST_DAYS.get(TermId(string(f.map("ontologyClass"), "id")))
    if earliest is not None:
        return round(earliest)
    if f.map("gestationalAge"):
        return 0
    return _age_on(f.text("timestamp") or string(f.map("interval"), "start"), birth_date)


def told_time(moment: Any, birth_date: str = "") -> str:
    """A date where one can be told, else words that a person would write."""
    f = Fields(moment if isinstance(moment, dict) else {})
    dated = f.text("timestamp") or string(f.map("interval"), "start")
    age = string(f.map("age"), "iso8601duration")
    if dated or _date_at(age, birth_date):
        return dated[:10] or _date_at(age, birth_date)
    span = [string(Fields(f.map("ageRange")).map(end), "iso8601duration") for end in ("start", "end")]
    words = " to ".join(filter(None, (iso_duration_words(text) for text in span)))
    told = iso_duration_words(age) or words
    gestation = f.map("gestationalAge").get("weeks")
    if isinstance(gestation, int):
        return f"gestational week {gestation}"
    return f"age {told}" if told else string(f.map("ontologyClass"), "label")


def _date_at(age: str, birth_date: str) -> str:
    """The year in which a person was of an age."""
    days = iso_duration_days(age)
    if days is None or len(birth_date) < len("2000-01-01"):
        return ""
    try:
        return (date.fromisoformat(birth_date) + timedelta(days=days)).isoformat()[:4]
    except (ValueError, OverflowError):
        return ""


def _age_on(day: str, birth_date: str) -> int | None:
    try:
        return age_days(birth_date, date.fromisoformat(day[:10])) if birth_date else None
    except ValueError:
        return None
