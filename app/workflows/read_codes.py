"""Reads a chart's conditions as the codes that rules ask for: ICD-10 in any national form, SNOMED CT."""

from collections.abc import Iterable

from app.clinical.record import REFUTED, WITHDRAWN, Condition
from knowledge_graph.rules.facts import CodedCondition

_SYSTEMS = {
    "http://snomed.info/sct": "SNOMED",
    "urn:oid:2.16.840.1.113883.6.96": "SNOMED",
    "urn:oid:2.16.840.1.113883.6.90": "ICD-10",
    "urn:oid:2.16.840.1.113883.6.3": "ICD-10",
}
_ICD_PREFIX = "http://hl7.org/fhir/sid/icd-10"  # and icd-10-cm, icd-10-gm, ...
_NOT_THERE = (WITHDRAWN, REFUTED)
_OVER = ("resolved", "inactive", "remission")


def read_codes(conditions: Iterable[Condition]) -> tuple[CodedCondition, ...]:
    """Each code of a condition that stands and is not over, once."""
    standing = (
        c for c in conditions if c.verification_status not in _NOT_THERE and c.clinical_status not in _OVER
    )
    named = (
        CodedCondition(system, coding.code)
        for condition in standing
        for coding in condition.codings
        if (system := _system(coding.system))
    )
    return tuple(dict.fromkeys(named))


def _system(uri: str) -> str:
    return "ICD-10" if uri.startswith(_ICD_PREFIX) else _SYSTEMS.get(uri, "")
