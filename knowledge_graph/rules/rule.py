"""The rules' nouns as they stand in a TOML file (the schema that msgspec checks), and the book of all."""

from collections.abc import Mapping
from enum import StrEnum
from math import log
from typing import Annotated

import msgspec

from knowledge_graph.findings.finding import Sex

RuleId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
# "HP:0001945 Fever", or a knowledge pack's own term: the name guards the id.
TermText = Annotated[str, msgspec.Meta(pattern=r"^(HP:\d{7}|(?!HP:)[A-Za-z]\w*:\S+) \S.*$")]
DiseaseText = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]\w*:\S+ \S.*$")]
LoincCode = Annotated[str, msgspec.Meta(pattern=r"^\d{1,7}-\d$")]
CodeText = Annotated[str, msgspec.Meta(pattern=r"^(ICD-10:[A-Z][0-9A-Z.]*|SNOMED:\d{6,18})$")]
AgeText = Annotated[str, msgspec.Meta(pattern=r"^\d{1,3} (day|week|month|year)s?$")]
Words = Annotated[str, msgspec.Meta(min_length=3, max_length=400)]
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}


class Urgency(StrEnum):
    """How soon somebody has to act."""

    EMERGENCY = "emergency"  # at once
    URGENT = "urgent"  # the same day
    SOON = "soon"  # within two weeks


URGENCIES = tuple(Urgency)  # most urgent first
HOW_SOON = {Urgency.EMERGENCY: "at once", Urgency.URGENT: "today", Urgency.SOON: "within two weeks"}


class Effect(StrEnum):
    """What a hard constraint does to its diseases."""

    LOWER = "lower"
    LOWER_FAR = "lower far"
    EXCLUDE = "exclude"


LOG_FACTOR = {Effect.LOWER: log(1 / 20), Effect.LOWER_FAR: log(1e-4), Effect.EXCLUDE: log(1e-6)}


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public source: guideline, society's statement, textbook. `url` where it has a lasting one."""

    name: Words
    url: str = ""


class LabCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One comparison of a laboratory value: with a bound in `units`, or with its own range."""

    test: Words
    loinc: Annotated[list[LoincCode], msgspec.Meta(min_length=1)]
    at_least: float | None = None
    at_most: float | None = None
    units: list[str] = msgspec.field(default_factory=list)
    times_upper: Annotated[float, msgspec.Meta(gt=0)] | None = None
    side: str = ""


class RedFlag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must not be missed: every term of `all`, `at_least` of `any`, none of `unless`, and the rest."""

    id: RuleId
    title: Words
    urgency: Urgency
    action: Words
    source: str
    section: str = ""
    all: list[TermText] = msgspec.field(default_factory=list)
    any: list[TermText] = msgspec.field(default_factory=list)
    at_least: Annotated[int, msgspec.Meta(ge=1)] = 1
    unless: list[TermText] = msgspec.field(default_factory=list)
    sex: Sex | None = None
    age_from: AgeText | None = None
    age_below: AgeText | None = None
    codes: list[CodeText] = msgspec.field(default_factory=list)
    labs: list[LabCondition] = msgspec.field(default_factory=list)
    new: bool = False  # what the notes tell of as past or long there does not count
    origin: str = ""  # set by the reader, never by a file


class Constraint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Diseases that a person of another sex or age does not have, by a source's word."""

    id: RuleId
    title: Words
    diseases: Annotated[list[DiseaseText], msgspec.Meta(min_length=1)]
    effect: Effect
    source: str
    section: str = ""
    sex: Sex | None = None  # the only sex that has them
    age_from: AgeText | None = None  # nobody younger has them
    age_below: AgeText | None = None  # nobody older has them
    origin: str = ""


class LaboratoryRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """LOINC codes of one test, and the findings that a value below or above its range stands for."""

    name: Words
    loinc: Annotated[list[LoincCode], msgspec.Meta(min_length=1)]
    source: str
    low: TermText | None = None
    high: TermText | None = None
    origin: str = ""


class SwitchOff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that a hospital does not want, and why."""

    id: RuleId
    reason: Words
    origin: str = ""


Rule = RedFlag | Constraint | LaboratoryRule | SwitchOff


class RuleBook(msgspec.Struct, frozen=True):
    """Every rule in force, each with its origin. `pairs` are red flags of two findings, harmless apart."""

    red_flags: tuple[RedFlag, ...] = ()
    pairs: tuple[RedFlag, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    laboratory: tuple[LaboratoryRule, ...] = ()
    switched_off: tuple[SwitchOff, ...] = ()
    sources: Mapping[str, Source] = msgspec.field(default_factory=dict)


def term_of(text: str) -> str:
    """The id of "HP:0001945 Fever", or of a disease written so."""
    return text.split(" ", 1)[0]


def name_of(text: str) -> str:
    """The name of "HP:0001945 Fever", or of a disease written so."""
    return text.split(" ", 1)[1]


def days_of(age: str) -> float:
    """ "3 months" in days."""
    number, unit = age.split(" ")
    return float(number) * _DAYS[unit.rstrip("s")]
