"""What a clinician's word on a disease changes: pure, like the deeds on marks."""

from app.clinical.diagnosis import Decision, Diagnosis, Differential, DifferentialLine
from app.gui.patient.history import DecisionStep
from app.gui.patient.open_chart import OpenChart
from app.workflows.search_diseases import DiseaseHit


def decided(
    opened: OpenChart, line: DifferentialLine, decision: Decision, *, model_version: str
) -> DecisionStep:
    """The word on a line's disease, under the id that an earlier word on it was given under."""
    ids = (line.disease_id, *line.same_as)
    before = next((said for i in ids if (said := opened.decision(i))), None)
    if decision is Decision.WITHDRAWN:
        return DecisionStep(before, None)
    after = Diagnosis(
        patient_id=opened.chart.patient.id,
        disease_id=before.disease_id if before else line.disease_id,
        name=before.name if before else line.name,
        decision=decision,
        author="",
        at="",
        model_version=model_version,
        shown_rank=line.rank or None,
    )
    return DecisionStep(before, after)


def line_of(hit: DiseaseHit, differential: Differential | None) -> DifferentialLine:
    """The differential's line for a disease that was searched for; one of rank 0 where there is none."""
    listed = differential.lines if differential else ()
    found = next((line for line in listed if hit.disease_id in (line.disease_id, *line.same_as)), None)
    return found or DifferentialLine.unlisted(hit.disease_id, hit.name)
