"""What every patient of a vault was found to have: marks that stand and coded features, in two statements."""

from collections import defaultdict

import msgspec

from app.clinical.annotation import AnnotationEvent, current_annotations
from app.clinical.ids import PatientId
from app.clinical.record import PhenotypicFeature
from app.store.session import Session
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId

_LOGS = """SELECT patient_id, body FROM annotation_event
  WHERE note_id NOT IN (SELECT id FROM note JOIN note_in_error USING (number)) ORDER BY sequence"""


def read_observed(session: Session) -> dict[PatientId, frozenset[TermId]]:
    """Observed terms by patient; a patient without any is left out."""
    observed: dict[PatientId, set[TermId]] = defaultdict(set)
    for who, body in session.rows("SELECT patient_id, body FROM record WHERE kind = 'PhenotypicFeature'"):
        finding = msgspec.json.decode(body, type=PhenotypicFeature).finding
        if finding.state is FindingState.OBSERVED:
            observed[PatientId(who)].add(finding.term_id)
    log: dict[PatientId, list[AnnotationEvent]] = defaultdict(list)
    for who, body in session.rows(_LOGS):
        log[PatientId(who)].append(msgspec.json.decode(body, type=AnnotationEvent))
    for patient, events in log.items():
        standing = (mark for mark in current_annotations(events) if not mark.rejected)
        observed[patient] |= {m.term_id for m in standing if m.state is FindingState.OBSERVED}
    return {patient: frozenset(terms) for patient, terms in observed.items() if terms}
