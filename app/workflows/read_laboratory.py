"""Reads a chart's laboratory values as rules ask for them: the newest of each LOINC code, and its side."""

from collections.abc import Iterable
from datetime import date

from app.clinical.record import WITHDRAWN, Observation
from app.workflows.record_days import days_before
from knowledge_graph.rules.facts import LabValue

LOINC = "http://loinc.org"
# HL7 ObservationInterpretation. "A" (abnormal) and others do not say on which side: the range does.
_LOW, _HIGH, _NORMAL = ("L", "LL", "LU", "<"), ("H", "HH", "HU", ">"), ("N",)
_NOT_THERE = (WITHDRAWN, "cancelled", "registered")  # registered: no result yet
_OF_NOW_DAYS = 14  # a value asks for deeds for so long, at most; ours


def read_laboratory(
    observations: Iterable[Observation], *, newest: date | None = None
) -> tuple[LabValue, ...]:
    """Values in the order in which each code's newest one was measured. `observations` are oldest first.

    With the day of the record's `newest` entry, only those of now.
    """
    found: dict[str, LabValue] = {}
    for observation in observations:
        if observation.status in _NOT_THERE or not _is_of_now(observation, newest):
            continue
        for coding in observation.codings:
            if coding.system == LOINC:
                found.pop(coding.code, None)
                found[coding.code] = _value(coding.code, observation)
    return tuple(found.values())


def _is_of_now(observation: Observation, newest: date | None) -> bool:
    days = days_before(observation.effective_at, newest)
    return days is None or days <= _OF_NOW_DAYS


def out_of_range(observation: Observation) -> str:
    """ "low", "high" or "": by the laboratory's own interpretation, else by its reference range.

    "<5" can only be low and ">5" only high: where the value really lies is not known.
    """
    code = observation.interpretation.strip().upper()
    if code in _LOW or code in _HIGH or code in _NORMAL:
        return "low" if code in _LOW else "high" if code in _HIGH else ""
    quantity, span = observation.quantity, observation.reference_range
    if quantity is None or span is None:
        return ""
    side = quantity.comparator[:1]
    if span.low is not None and side != ">" and quantity.value < span.low:
        return "low"
    return "high" if span.high is not None and side != "<" and quantity.value > span.high else ""


def _value(code: str, observation: Observation) -> LabValue:
    quantity, span = observation.quantity, observation.reference_range
    return LabValue(
        code,
        value=quantity.value if quantity else None,
        unit=quantity.unit if quantity else "",
        comparator=quantity.comparator if quantity else "",
        upper=span.high if span else None,
        side=out_of_range(observation),
    )
