"""What rules are applied to: a person's findings, sex, age, coded conditions and laboratory values."""

from dataclasses import dataclass

from knowledge_graph.findings.finding import Finding, Sex


@dataclass(frozen=True, slots=True)
class CodedCondition:
    """A code of `ICD-10` (its national forms too) or `SNOMED`; `said`: what and where, if a note names it."""

    system: str
    code: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class LabValue:
    """The newest value of one LOINC code: its unit, its laboratory's range, and on which side of it it lies.

    `side` is "low", "high" or "": unknown or within. `comparator` is that of the record ("<", ">=", ...).
    """

    loinc: str
    value: float | None = None
    unit: str = ""
    comparator: str = ""
    upper: float | None = None
    side: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that rules ask about one person.

    `not_new`: terms that the notes tell of only as past or long there.
    """

    findings: tuple[Finding, ...] = ()
    sex: Sex = Sex.UNKNOWN
    age_days: int | None = None
    conditions: tuple[CodedCondition, ...] = ()
    labs: tuple[LabValue, ...] = ()
    not_new: frozenset[str] = frozenset()
