"""Undo and redo append events; folding the log always gives what the screen shows."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.clinical.annotation import Annotation, AnnotationAction, current_annotations
from app.clinical.chart import Chart
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.patient import Patient
from app.gui.patient.history import DecisionStep, MarkStep, logged_history
from app.gui.patient.open_chart import OpenChart, do, redo, undo
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import DiseaseId, TermId

WHO = PatientId("p")


def _mark(number: int, state: FindingState = FindingState.OBSERVED) -> Annotation:
    return Annotation(
        AnnotationId(f"a{number}"), NoteId("n"), number, number + 3, TermId("HP:0000001"), state
    )


def _chart() -> OpenChart:
    return OpenChart(Chart(Patient(WHO)))


def _step(opened: OpenChart, number: int, deed: str) -> MarkStep | None:
    before = next((m for m in opened.annotations() if m.id == f"a{number}"), None)
    if deed == "add" and before is None:
        return MarkStep(None, _mark(number))
    if deed == "toggle" and before is not None and not before.rejected:
        return MarkStep(before, replace(before, state=FindingState.EXCLUDED))
    if deed == "reject" and (before is None or not before.rejected):
        return MarkStep(before, replace(before or _mark(number), rejected=True))
    if deed == "remove" and before is not None:
        return MarkStep(before, None)
    return None


DEEDS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["add", "toggle", "reject", "remove"])), max_size=12
)


@given(DEEDS)
def test_undoing_everything_leads_back_through_every_state_and_redo_forward_again(
    deeds: list[tuple[int, str]],
) -> None:
    opened = _chart()
    states = [opened.annotations()]
    for number, deed in deeds:
        step = _step(opened, number, deed)
        if step is not None:
            opened, _ = do(opened, step, author="a", at="t")
            states.append(opened.annotations())
    for expected in reversed(states[:-1]):
        change = undo(opened, author="a", at="t")
        assert change is not None
        opened = change[0]
        assert opened.annotations() == expected
    assert undo(opened, author="a", at="t") is None
    for expected in states[1:]:
        change = redo(opened, author="a", at="t")
        assert change is not None
        opened = change[0]
        assert opened.annotations() == expected


def test_the_log_only_grows() -> None:
    opened, _ = do(_chart(), MarkStep(None, _mark(1)), author="a", at="1")
    change = undo(opened, author="b", at="2")
    assert change is not None
    assert [e.action for e in change[0].events] == [AnnotationAction.ADD, AnnotationAction.REMOVE]
    assert change[0].events[1].author == "b"


def test_a_history_read_from_the_log_can_be_undone_to_the_first_event() -> None:
    opened, first = do(_chart(), MarkStep(None, _mark(1)), author="a", at="1")
    opened, _second = do(opened, MarkStep(_mark(1), None), author="a", at="2")
    reread = replace(opened, history=logged_history(opened.events, ()))
    change = undo(reread, author="a", at="3")
    assert change is not None
    assert current_annotations(change[0].events) == (first.annotation,)  # type: ignore[union-attr]


def test_a_confirmed_disease_is_withdrawn_by_undo() -> None:
    said = Diagnosis(WHO, DiseaseId("OMIM:154700"), "Marfan syndrome", Decision.CONFIRMED, "", "")
    opened, record = do(_chart(), DecisionStep(None, said), author="a", at="1")
    assert isinstance(record, Diagnosis)
    assert (record.author, record.at) == ("a", "1")
    assert [d.name for d in opened.confirmed()] == ["Marfan syndrome"]
    change = undo(opened, author="a", at="2")
    assert change is not None
    assert change[0].confirmed() == ()
    assert [d.decision for d in change[0].diagnoses] == [Decision.CONFIRMED, Decision.WITHDRAWN]
