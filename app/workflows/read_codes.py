"""Reads a chart's conditions as the codes that rules ask for: ICD-10 in any national form, SNOMED CT."""

from collections.abc import Iterable
from datetime import date

from app.clinical.record import REFUTED, WITHDRAWN, Condition
from app.workflows.condition_list import shipped_conditions, still_counts
from app.workflows.record_days import day_of, days_before
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


def read_codes(conditions: Iterable[Condition], *, newest: date | None = None) -> tuple[CodedCondition, ...]:
    """Each code of a condition that stands and is not over, once.

    By the day of the record's `newest` entry, what was recorded too long before to last until then is over.
    """
    spans = shipped_conditions().span
    named = (
        coded
        for condition in conditions
        if condition.verification_status not in _NOT_THERE and not _is_over(condition, newest)
        for coding in condition.codings
        if (system := _system(coding.system))
        and still_counts(coded := CodedCondition(system, coding.code), _days_old(condition, newest), spans)
    )
    return tuple(dict.fromkeys(named))


def _is_over(condition: Condition, newest: date | None) -> bool:
    """By its status, or by an end that does not lie ahead."""
    if condition.clinical_status in _OVER:
        return True
    end = day_of(condition.abatement)
    return bool(condition.abatement) and (end is None or newest is None or end <= newest)


def _days_old(condition: Condition, newest: date | None) -> int | None:
    """Since it was last written down or began, whichever is later."""
    known = [days_before(when, newest) for when in (condition.recorded_at, condition.onset)]
    return min((days for days in known if days is not None), default=None)


def _system(uri: str) -> str:
    return "ICD-10" if uri.startswith(_ICD_PREFIX) else _SYSTEMS.get(uri, "")
