"""Turns a FHIR R4 Patient into the noun, and finds the number she is known by."""

import re
from datetime import date

from app.clinical.ids import PatientId
from app.clinical.patient import Identifier, Patient
from app.exchange.fhir_fields import Fields, Json, codings, string
from knowledge_graph.findings.finding import Sex

_SEX = {"female": Sex.FEMALE, "male": Sex.MALE, "other": Sex.OTHER, "unknown": Sex.UNKNOWN}
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
# HL7 v2-0203 kinds of number that a family shares, or that belong to a payer, an account or a visit.
_SHARED = {"MC", "MCD", "MCR", "HC", "NIIP", "SNO", "AN", "VN", "PN", "MB", "SN", "MA", "DC"}
# What systems write where they know no number: many patients carry it.
_PLACEHOLDER = re.compile(
    r"(?i)unk(nown)?|n/?a|none|null|nil|asku|nask|test|x+|[-?*.]+|0+|([0-9])(?:-?\2){3,}"
)
_OWN_FIRST = {"MR": 0, "MRN": 0, "PI": 1, "NI": 2}
_NOT_HERS = 10


def patient_of(resource: Json, patient_id: str) -> Patient:
    """A Patient."""
    return read_patient(resource, patient_id)[0]


def read_patient(resource: Json, patient_id: str) -> tuple[Patient, tuple[str, ...]]:
    """A Patient, and remarks on what could not be read."""
    f = Fields(resource)
    born, sex = f.text("birthDate"), f.text("gender")
    died = f.text("deceasedDateTime") if f.has("deceasedDateTime") else ""
    patient = Patient(
        id=PatientId(patient_id),
        name=_name(f.maps("name")),
        birth_date=born if is_partial_date(born) else "",
        sex=_SEX.get(sex, Sex.UNKNOWN),
        deceased_at=died,
        identifiers=tuple(
            Identifier(string(i, "system"), string(i, "value"))
            for i in sorted(f.maps("identifier"), key=_rank)
            if string(i, "value")
        ),
        deceased=f.flag("deceasedBoolean") or bool(died),
    )
    unread = [
        name
        for name, lost in (
            ("birthDate", born and not patient.birth_date),
            ("gender", sex not in _SEX and sex),
        )
        if lost
    ]
    return patient, tuple(f"field {name} not read" for name in [*f.remarks, *unread])


def own_numbers(resource: Json) -> list[tuple[str, str]]:
    """(system, value) of the identifiers that are hers alone, the best first, whatever their order.

    A medical record number comes before others; what a family or a payer shares, and what is no longer
    used, does not count.
    """
    ranked = []
    for identifier in Fields(resource).maps("identifier"):
        system, value, rank = string(identifier, "system"), string(identifier, "value"), _rank(identifier)
        if system and value and rank < _NOT_HERS:
            ranked.append((rank, system, value))
    return [(system, value) for _, system, value in sorted(ranked)]


def _rank(identifier: Json) -> int:
    """How well a number names her, the best 0; `_NOT_HERS` where it does not."""
    kinds = {c.code for c in codings(identifier.get("type"))}
    if (
        is_placeholder(string(identifier, "value"))
        or kinds & _SHARED
        or string(identifier, "use") in ("old", "temp")
    ):
        return _NOT_HERS
    return min((_OWN_FIRST.get(kind, 9) for kind in kinds), default=5)


def is_placeholder(value: str) -> bool:
    """Whether a number only says that none is known."""
    return _PLACEHOLDER.fullmatch(value) is not None


def is_partial_date(text: str) -> bool:
    """Whether a text is a year, a month or a day that exists (FHIR `date`)."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat((text + "-01-01")[:10])
    except ValueError:
        return False
    return True


def _name(names: list[Json]) -> str:
    """The official name, else the first that is not old."""
    ordered = sorted(names, key=lambda n: (string(n, "use") == "old", string(n, "use") != "official"))
    for name in ordered:
        given = name.get("given")
        parts = [g for g in given if isinstance(g, str)] if isinstance(given, list) else []
        shown = string(name, "text") or " ".join([*parts, string(name, "family")]).strip()
        if shown:
            return shown
    return ""
