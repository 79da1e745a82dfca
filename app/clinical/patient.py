"""The person whose record this is, and whether two records can be of one person."""

from dataclasses import dataclass

from app.clinical.ids import PatientId
from knowledge_graph.findings.finding import Sex


@dataclass(frozen=True, slots=True)
class Identifier:
    """A business identifier (FHIR `Identifier`): who issued it, and its value."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class Patient:
    """Demographics (FHIR R4 `Patient`). `birth_date` is an ISO date, perhaps only a year.

    The first of the `identifiers` is the record number by which people know her.
    """

    id: PatientId
    name: str = ""
    birth_date: str = ""
    sex: Sex = Sex.UNKNOWN
    deceased_at: str = ""
    identifiers: tuple[Identifier, ...] = ()
    deceased: bool = False

    @property
    def record_number(self) -> str:
        """What tells her from a namesake; empty where the record has no number."""
        return self.identifiers[0].value if self.identifiers else ""

    @property
    def is_bare(self) -> bool:
        """Whether nothing but a number is known of her."""
        return not _name_words(self) and not self.birth_date and self.sex is Sex.UNKNOWN


def called(name: str, record_number: str) -> str:
    """A patient in a list, told from her namesakes."""
    shown = name or "(no name)"
    return f"{shown} ({record_number})" if record_number and record_number != name else shown


def cannot_be_one(a: Patient, b: Patient) -> bool:
    """Whether two records under one number contradict each other.

    A corrected birth date keeps the name and a new name keeps the birth date; where neither stays, the number
    was given to two people.
    """
    first, second = _name_words(a), _name_words(b)
    if a.birth_date and b.birth_date:
        shorter, longer = sorted((a.birth_date, b.birth_date), key=len)
        return not longer.startswith(shorter) and bool(first and second) and first != second
    return bool(first and second) and first.isdisjoint(second)


def is_surely_one(a: Patient, b: Patient) -> bool:
    """Whether name, full birth date and sex agree: then a shared number joins two records."""
    return (
        (a.birth_date, a.sex) == (b.birth_date, b.sex)
        and len(a.birth_date) >= len("2000-01-01")
        and bool(_name_words(a))
        and _name_words(a) == _name_words(b)
    )


def _name_words(patient: Patient) -> frozenset[str]:
    """The words of her name; none where only a number stands in its place."""
    if any(patient.name == identifier.value for identifier in patient.identifiers):
        return frozenset()
    return frozenset(patient.name.casefold().replace(",", " ").split())
