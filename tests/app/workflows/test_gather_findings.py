"""A hand-made chart says what it says: marks before notes, values beside their ranges, nothing withdrawn."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.clinical.annotation import Annotation
from app.clinical.chart import Chart
from app.clinical.ids import AnnotationId, NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import (
    Coding,
    Condition,
    Observation,
    PhenotypicFeature,
    Quantity,
    ReferenceRange,
)
from app.workflows.gather_findings import gather_findings
from app.workflows.load_rules import laboratory_rules
from app.workflows.read_laboratory import LOINC, out_of_range
from app.workflows.suggest_findings import build_recogniser
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.laboratory import by_loinc
from knowledge_graph.terms.term import TermId
from ml.recognition.recogniser import Recogniser

ANN = PatientId("ann")
SEIZURE, ATAXIA, ANEMIA, POLYCYTHEMIA = "HP:0001250", "HP:0001251", "HP:0001903", "HP:0001901"
LABORATORY = by_loinc(laboratory_rules())
TACHYCARDIA = "HP:0001649"
OBSERVED, EXCLUDED = FindingState.OBSERVED, FindingState.EXCLUDED


@pytest.fixture(scope="module")
def recogniser(real_graph: CompiledGraph, public_cache: Path) -> Recogniser:
    return build_recogniser(real_graph, public_cache)


class Gathering:
    """Gathers from charts of one patient, as {term: (state, source)}."""

    def __init__(self, graph: CompiledGraph, recogniser: Recogniser):
        self._graph, self._recogniser = graph, recogniser

    def __call__(self, *records: object, marks: tuple[Annotation, ...] = ()) -> dict[str, tuple[str, str]]:
        chart = Chart(
            Patient(ANN),
            notes=tuple(r for r in records if isinstance(r, Note)),
            conditions=tuple(r for r in records if isinstance(r, Condition)),
            observations=tuple(r for r in records if isinstance(r, Observation)),
            features=tuple(r for r in records if isinstance(r, PhenotypicFeature)),
        )
        found = gather_findings(self._graph, self._recogniser, chart, marks=marks, laboratory=LABORATORY)
        return {str(g.finding.term_id): (str(g.finding.state), g.source) for g in found}


@pytest.fixture(scope="module")
def gathered(real_graph: CompiledGraph, recogniser: Recogniser) -> Gathering:
    return Gathering(real_graph, recogniser)


def note(text: str, name: str = "n1") -> Note:
    return Note(NoteId(name), ANN, text)


def mark(
    start: int, end: int, term: str, state: FindingState = OBSERVED, *, rejected: bool = False
) -> Annotation:
    return Annotation(AnnotationId(f"m{start}"), NoteId("n1"), start, end, TermId(term), state, rejected)


def condition(label: str, *codes: Coding, status: str = "confirmed") -> Condition:
    return Condition(RecordId("c"), ANN, label, codes, verification_status=status)


def hemoglobin(
    value: float, *, interpretation: str = "", comparator: str = "", status: str = "final"
) -> Observation:
    return Observation(
        RecordId("o"),
        ANN,
        "Hemoglobin",
        (Coding(LOINC, "718-7"),),
        quantity=Quantity(value, "g/dL", comparator),
        reference_range=ReferenceRange(12.0, 16.0),
        interpretation=interpretation,
        status=status,
    )


def feature(term: str, state: FindingState = OBSERVED) -> PhenotypicFeature:
    return PhenotypicFeature(RecordId(term), ANN, Finding(TermId(term), state, 400))


def test_a_note_speaks_of_the_patient_and_says_what_she_has_not(gathered: Gathering) -> None:
    text = "She has seizures but no ataxia. Her mother has deafness. Return if fever occurs."
    assert gathered(note(text)) == {SEIZURE: ("observed", "note"), ATAXIA: ("excluded", "note")}


def test_observed_in_one_note_outweighs_excluded_in_another(gathered: Gathering) -> None:
    both = (note("No seizures."), note("Seizures since May.", "n2"))
    for order in (both, both[::-1]):
        assert gathered(*order)[SEIZURE] == ("observed", "note")


def test_a_mark_wins_over_the_note_and_a_rejected_one_silences_it(gathered: Gathering) -> None:
    text = "She has seizures."
    corrected = gathered(note(text), marks=(mark(8, 16, SEIZURE, EXCLUDED),))
    assert corrected == {SEIZURE: ("excluded", "mark")}
    assert gathered(note(text), marks=(mark(8, 16, ATAXIA),)) == {ATAXIA: ("observed", "mark")}
    assert gathered(note(text), marks=(mark(8, 16, SEIZURE, rejected=True),)) == {}


def test_marks_that_contradict_count_as_observed(gathered: Gathering) -> None:
    marks = (mark(8, 16, SEIZURE, EXCLUDED), mark(20, 28, SEIZURE))
    assert gathered(note("She has seizures and seizures."), marks=marks)[SEIZURE] == ("observed", "mark")


def test_coded_features_keep_state_and_onset(
    gathered: Gathering, real_graph: CompiledGraph, recogniser: Recogniser
) -> None:
    assert gathered(feature(ATAXIA, EXCLUDED)) == {ATAXIA: ("excluded", "feature")}
    chart = Chart(Patient(ANN), features=(feature(SEIZURE),))
    (found,) = gather_findings(real_graph, recogniser, chart, laboratory=LABORATORY)
    assert found.finding.onset_days == 400


def test_old_ids_become_current_and_foreign_ones_are_left_out(
    gathered: Gathering, real_graph: CompiledGraph
) -> None:
    old, current = next((a, t) for a, t in real_graph.alternatives.items() if t == SEIZURE)
    assert gathered(feature(old), feature("HP:9999999")) == {str(current): ("observed", "feature")}


@pytest.mark.parametrize(
    ("given", "terms"),
    [
        (condition("whatever", Coding("HP", SEIZURE)), {SEIZURE}),
        (condition("Ataxia", Coding("http://snomed.info/sct", "20262006", "Ataxia")), {ATAXIA}),
        (condition("Seizure disorder (disorder)"), {SEIZURE}),
        (condition("No known problems"), set()),
        (condition("Ataxia", Coding("HP", ATAXIA), status="entered-in-error"), set()),
    ],
)
def test_a_condition_counts_by_its_code_or_else_by_its_label(
    gathered: Gathering, given: Condition, terms: set[str]
) -> None:
    assert gathered(given) == dict.fromkeys(terms, ("observed", "condition"))


def test_a_refuted_condition_is_an_excluded_finding(gathered: Gathering) -> None:
    assert gathered(condition("Ataxia", status="refuted")) == {"HP:0001251": ("excluded", "condition")}


@pytest.mark.parametrize(
    ("observation", "side"),
    [
        (hemoglobin(9.0), "low"),
        (hemoglobin(12.0), ""),
        (hemoglobin(16.0), ""),
        (hemoglobin(19.0), "high"),
        (hemoglobin(9.0, interpretation="N"), ""),  # the laboratory knows its patient
        (hemoglobin(14.0, interpretation="LL"), "low"),
        (hemoglobin(14.0, interpretation="h"), "high"),
        (hemoglobin(9.0, interpretation="A"), "low"),  # abnormal, side unsaid: the range says it
        (hemoglobin(20.0, comparator="<"), ""),
        (hemoglobin(9.0, comparator="<="), "low"),
        (hemoglobin(9.0, comparator=">"), ""),
        (hemoglobin(17.0, comparator=">"), "high"),
        (replace(hemoglobin(9.0), reference_range=None), ""),
        (replace(hemoglobin(9.0), quantity=None), ""),
        (replace(hemoglobin(19.0), reference_range=ReferenceRange(low=12.0)), ""),
        (replace(hemoglobin(9.0), reference_range=ReferenceRange(high=16.0)), ""),
    ],
)
def test_a_value_lies_outside_its_range_on_one_side(observation: Observation, side: str) -> None:
    assert out_of_range(observation) == side


def test_the_newest_value_of_a_test_decides(gathered: Gathering) -> None:
    assert gathered(hemoglobin(9.0)) == {ANEMIA: ("observed", "laboratory")}
    assert gathered(hemoglobin(9.0), hemoglobin(14.0)) == {}
    assert gathered(hemoglobin(9.0), hemoglobin(19.0)) == {POLYCYTHEMIA: ("observed", "laboratory")}


def test_a_withdrawn_value_is_none(gathered: Gathering) -> None:
    assert gathered(hemoglobin(9.0, status="entered-in-error")) == {}
    withdrawn = hemoglobin(14.0, status="cancelled")
    assert gathered(hemoglobin(9.0), withdrawn) == {ANEMIA: ("observed", "laboratory")}


def test_a_test_without_a_rule_or_of_another_system_is_no_finding(gathered: Gathering) -> None:
    other = replace(hemoglobin(9.0), codings=(Coding(LOINC, "0-0"), Coding("urn:local", "718-7")))
    assert gathered(other) == {}


def test_each_term_comes_once_from_the_strongest_source(gathered: Gathering) -> None:
    records = (
        note("Seizures."),
        condition("Seizure"),
        feature(SEIZURE),
        hemoglobin(9.0),
        note("Anemia.", "n2"),
    )
    assert gathered(*records) == {SEIZURE: ("observed", "feature"), ANEMIA: ("observed", "laboratory")}


def test_an_empty_chart_says_nothing(gathered: Gathering) -> None:
    assert gathered() == {}
    assert gathered(note(""), condition("")) == {}


def test_a_value_without_a_range_says_nothing_and_a_mark_wins_over_one(gathered: Gathering) -> None:
    low = hemoglobin(9.0)
    assert gathered(low) == {ANEMIA: ("observed", "laboratory")}
    assert gathered(replace(low, reference_range=None)) == {}
    assert gathered(replace(low, quantity=None)) == {}
    assert gathered(low, note("No anemia."), marks=(mark(3, 9, ANEMIA, EXCLUDED),)) == {
        ANEMIA: ("excluded", "mark")
    }


def test_a_value_in_a_note_is_held_against_the_age_at_the_time_it_was_written(
    real_graph: CompiledGraph, recogniser: Recogniser
) -> None:
    notes = {
        year: Note(NoteId(year), ANN, "Seen today, HR 130.", written_at=f"{year}-05-01T10:00:00")
        for year in ("2020", "2040")
    }
    for year, expected in (("2020", set()), ("2040", {TACHYCARDIA})):
        chart = Chart(Patient(ANN, birth_date="2017-04-01"), notes=(notes[year],))
        found = gather_findings(real_graph, recogniser, chart, laboratory=LABORATORY)
        assert {str(g.finding.term_id) for g in found} == expected
