"""Bea's two notes, one entered in error: each of them counts everywhere or nowhere, as the log says."""

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.note import ErrorReason, Note
from app.clinical.patient import Patient
from app.store.note_error import COUNTS_AGAIN, IN_ERROR, mark_in_error
from app.store.vault import Vault
from knowledge_graph.terms.term import TermId

BEA = PatientId("p-2")
STAYS = Note(NoteId("n-9"), BEA, "A cough, 患者发热.")
MISTAKEN = Note(NoteId("n-8"), BEA, "A rash, 皮疹.")
_MARKED = {STAYS.id: ("HP:0012735", "发热"), MISTAKEN.id: ("HP:0000988", "皮疹")}


def write_notes(vault: Vault) -> None:
    """Both notes with a finding each; then the mistaken one is marked as entered in error."""
    vault.put_records([Patient(BEA, "Bea"), STAYS, MISTAKEN], origin="t")
    marks = [Annotation(AnnotationId(f"a-{n}"), n, 2, 6, TermId(_MARKED[n][0])) for n in _MARKED]
    vault.append_annotations([AnnotationEvent(AnnotationAction.ADD, mark, "ann", "2026") for mark in marks])
    mark_in_error(vault, MISTAKEN.id, ErrorReason.WRONG_PATIENT)


def disagreements(vault: Vault) -> list[str]:
    """Where marks, search, list, log or texts say other than the chart which of her notes count."""
    chart = vault.chart(BEA)
    counting = {note.id for note in chart.notes}
    (row,) = (row for row in vault.patients() if row.id == BEA)
    others = {
        "marks": {event.annotation.note_id for event in vault.annotation_events(BEA)},
        "search": {hit.note_id for _term, word in _MARKED.values() for hit in vault.search_notes(word)},
        "log": _counting_by_the_log(vault),
    }
    wrong = [
        f"chart and {name} differ in which notes count" for name, ids in others.items() if ids != counting
    ]
    if (row.note_count, row.finding_count) != (len(counting), len(counting)):
        wrong.append("the patient list counts another number of notes or findings")
    texts = {note.text for note in (*chart.notes, *chart.notes_in_error)}
    return wrong + ([] if texts == {STAYS.text, MISTAKEN.text} else ["one of two notes is gone or altered"])


def _counting_by_the_log(vault: Vault) -> set[NoteId]:
    said = [(event.action, event.detail.partition(":")[0]) for event in vault.all_audit_events()]
    return {
        n for n in _MARKED if said.count((IN_ERROR, f"note {n}")) == said.count((COUNTS_AGAIN, f"note {n}"))
    }
