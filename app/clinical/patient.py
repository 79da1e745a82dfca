"""The person whose record this is."""

from dataclasses import dataclass
from datetime import date

from app.clinical.ids import PatientId
from knowledge_graph.findings.finding import Sex


@dataclass(frozen=True, slots=True)
class Identifier:
    """A business identifier (FHIR `Identifier`): who issued it, and its value."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Patient:
    """Demographics (FHIR R4 `Patient`). `birth_date` is an ISO date, perhaps only a year."""

    id: PatientId
    name: str = ""
    birth_date: str = ""
    sex: Sex = Sex.UNKNOWN
    deceased_at: str = ""
    identifiers: tuple[Identifier, ...] = ()


def age_days(birth_date: str, on: date) -> int | None:
    """Age in days on a day, from a full or partial ISO date; None where unknown."""
    parts = birth_date.split("T")[0].split("-")
    try:
        year, month, day = (int(p) for p in (*parts, "1", "1")[:3])
        days = (on - date(year, month, day)).days
    except ValueError:
        return None
    return days if days >= 0 else None
