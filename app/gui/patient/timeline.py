"""A chart as one line of time: what happened when, latest first, ready to be shown."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.clinical.chart import Chart
from app.clinical.ids import NoteId
from app.clinical.record import REFUTED, WITHDRAWN, Observation

_RISKS = {"high": "high risk", "low": "low risk", "unable-to-assess": "risk not known"}
_NOT_SO = (REFUTED, WITHDRAWN, "cancelled", "not-done", "stopped")


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line: `kind` is the icon's name; `alert` marks a value outside its range."""

    at: str
    kind: str
    title: str
    detail: str = ""
    note_id: NoteId | None = None
    alert: bool = False

    @property
    def day(self) -> str:
        """The date, or `Undated`."""
        return self.at[:10] or "Undated"

    @property
    def in_error(self) -> bool:
        """Whether it should never have been in the chart."""
        return self.detail.split(": ")[0] == _words(WITHDRAWN)


def timeline(chart: Chart) -> tuple[TimelineEntry, ...]:
    """Every dated and undated entry of a chart; latest first, undated last, notes first in a day."""
    order = {"note": 0, "encounter": 1, "condition": 2, "report": 3, "observation": 4}
    entries = sorted(_entries(chart), key=lambda e: (order.get(e.kind, 5), e.title))
    return tuple(sorted(entries, key=lambda e: (bool(e.at), e.at[:10]), reverse=True))


def value_text(observation: Observation) -> str:
    """An observation's value as text, with its unit."""
    quantity = observation.quantity
    if quantity is None:
        return observation.value_text
    return f"{quantity.comparator}{quantity.value:g} {quantity.unit}".strip()


def range_text(observation: Observation) -> str:
    """Where its values are taken for normal, as text; empty where the source did not say."""
    bounds = observation.reference_range
    if bounds is None or (bounds.low is None and bounds.high is None):
        return bounds.text if bounds is not None else ""
    if bounds.low is None:
        return f"up to {bounds.high:g}"
    return f"from {bounds.low:g}" if bounds.high is None else f"{bounds.low:g} to {bounds.high:g}"


def out_of_range(observation: Observation) -> bool:
    """Whether the source called a value abnormal, or it lies outside its range."""
    if observation.interpretation.upper() in {"H", "HH", "L", "LL", "A", "AA", "HIGH", "LOW", "ABNORMAL"}:
        return True
    bounds, quantity = observation.reference_range, observation.quantity
    if bounds is None or quantity is None:
        return False
    below = bounds.low is not None and quantity.value < bounds.low
    return below or (bounds.high is not None and quantity.value > bounds.high)


def _entries(chart: Chart) -> Iterator[TimelineEntry]:
    for note in (*chart.notes, *chart.notes_in_error):
        told = _with_status(note.author, WITHDRAWN if note.in_error else "")
        yield TimelineEntry(note.written_at, "note", note.title or "Note", told, note.id)
    for encounter in chart.encounters:
        yield TimelineEntry(
            encounter.started_at, "encounter", encounter.kind or "Encounter", encounter.reason
        )
    for condition in chart.conditions:
        when, status = condition.onset or condition.recorded_at, condition.verification_status
        yield TimelineEntry(
            when, "condition", condition.label, _with_status(condition.clinical_status, status)
        )
    for seen in chart.observations:
        alert, usual = out_of_range(seen) and seen.status not in _NOT_SO, range_text(seen)
        told = value_text(seen) + (f"  (usual: {usual})" if alert and usual else "")
        yield TimelineEntry(
            *(seen.effective_at, "observation", seen.label, _with_status(told, seen.status)), alert=alert
        )
    for report in chart.reports:
        yield TimelineEntry(
            report.issued_at, "report", report.label, _with_status(report.conclusion, report.status)
        )
    for order in chart.medications:
        yield TimelineEntry(
            order.authored_at, "medication", order.label, _with_status(order.dosage, order.status)
        )
    for allergy in chart.allergies:
        told = ", ".join(filter(None, (*allergy.reactions, _RISKS.get(allergy.criticality, ""))))
        told = _with_status(told, allergy.verification_status)
        yield TimelineEntry(allergy.recorded_at, "allergy", allergy.label, told)
    for procedure in chart.procedures:
        yield TimelineEntry(procedure.performed_at, "procedure", procedure.label, procedure.status)
    for relative in chart.family_history:
        told = ", ".join((*relative.conditions, *(["has died"] if relative.deceased else [])))
        told = _with_status(told, relative.status)
        yield TimelineEntry("", "family", relative.relationship, told)


def _with_status(detail: str, status: str) -> str:
    """A status that takes the entry back stands before everything else."""
    said = _words(status) if status in _NOT_SO else ""
    return ": ".join(filter(None, (said, detail)))


def _words(status: str) -> str:
    return status.replace("-", " ")
