"""When something in a FHIR resource began or was done: a date, a period, an age, or words."""

from datetime import date, timedelta

from app.clinical.patient import Patient
from app.exchange.fhir_fields import Fields, finite, period, string
from app.exchange.fhir_value import shown, span_text

_DAYS = {"a": 365.25, "year": 365.25, "mo": 30.4375, "month": 30.4375, "wk": 7, "week": 7, "d": 1, "day": 1}


def onset_of(f: Fields, name: str, patient: Patient | None) -> str:
    """`onset[x]` and its like as an ISO date where one can be told, else in words."""
    dated = f.text(f"{name}DateTime") or period(f.map(f"{name}Period"))[0]
    age = f.map(f"{name}Age")
    from_birth = _date_at_age(finite(age.get("value")), string(age, "code") or string(age, "unit"), patient)
    told = age_or_range(f, name)
    return dated or from_birth or (f"age {told}" if age and told else told)


def age_or_range(f: Fields, name: str) -> str:
    """An age, a range of ages, or words."""
    return shown(f.map(f"{name}Age")) or span_text(f.map(f"{name}Range")) or f.text(f"{name}String")


def _date_at_age(value: float | None, unit: str, patient: Patient | None) -> str:
    """The year (of a child's first two years: the month) at which a person was of an age."""
    days = _DAYS.get(unit.casefold().rstrip("s"))
    born = patient.birth_date if patient else ""
    if value is None or days is None or len(born) < len("2000-01-01"):
        return ""
    try:
        then = date.fromisoformat(born[:10]) + timedelta(days=value * days)
    except (ValueError, OverflowError):
        return ""
    return then.isoformat()[: 7 if value * days < 730 else 4]
