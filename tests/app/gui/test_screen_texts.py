"""The words and orders that screens show are made by plain functions."""

from dataclasses import replace
from datetime import date

import pytest

from app.clinical.diagnosis import DifferentialLine
from app.clinical.ids import PatientId, RecordId
from app.clinical.percent import percent, stated
from app.clinical.record import Observation, Quantity, ReferenceRange
from app.gui.patient.differential_list import among
from app.gui.patient.evidence_list import detail_of, evidence_rows, references_of
from app.gui.patient.graph_places import edge_sentence, graph_places, unmet
from app.gui.patient.standing_line import StandingLine
from app.gui.patient.timeline import out_of_range, value_text
from app.gui.patients.patient_item_model import age_text, cells
from app.gui.shell.dialogs import sentence
from app.gui.unlock.key_card import to_add_again
from app.gui.unlock.recovery_sheet import numbered
from app.gui.unlock.vault_opening import passphrase_advice
from app.store.patient_query import PatientRow
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.rationale.evidence import SERIES, Evidence, PathTerm
from knowledge_graph.rationale.evidence_graph import EvidenceEdge, EvidenceGraph, EvidenceNode
from knowledge_graph.terms.term import DiseaseId, TermId

TODAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("born", "age"),
    [("2025-12-20", "12 d"), ("2025-11-01", "8 wk"), ("2025-01-01", "11 mo"), ("2000", "26 y"), ("", "–")],
)
def test_ages_are_told_as_clinicians_tell_them(born: str, age: str) -> None:
    assert age_text(born, TODAY) == age


@pytest.mark.parametrize(
    ("born", "died", "age"),
    [
        ("1990-02-03", None, "35 y"),
        ("1990-02-03", "2020-05-01T10:00:00Z", "died 30 y"),
        ("1990", "1990-03-01", "died 8 wk"),
        ("1990-02-03", "2020", "died"),
        ("1990-02-03", "", "died"),
        ("", "2020-05-01", "died"),
    ],
)
def test_the_list_tells_the_age_at_death_of_who_has_died(born: str, died: str | None, age: str) -> None:
    who = PatientRow(PatientId("p"), "Sample, Ada", "17", born, "FEMALE", 0, 0, "", "", died)
    assert cells(who, TODAY)[3] == age


@pytest.mark.parametrize(
    ("probability", "text"), [(0.0004, "<0.1 %"), (0.012, "1.2 %"), (0.0996, "10 %"), (0.89, "89 %")]
)
def test_probabilities_are_short(probability: float, text: str) -> None:
    assert percent(probability) == stated(probability) == text


def test_no_disease_is_stated_as_certain() -> None:
    assert (stated(0.9901), stated(1.0), percent(1.0)) == (">99 %", ">99 %", "100 %")


def test_shares_add_up_and_say_nothing_where_nothing_was_said() -> None:
    assert sum(among([-1.0, -2.0, -9.0])) == pytest.approx(1.0)
    assert among([0.0, 0.0]) == [0.0, 0.0]
    assert among([float("-inf"), 1.0, 0.0])[0] == 0.0


def test_evidence_is_grouped_for_then_against_then_questions() -> None:
    def said(name: str, weight: float) -> Evidence:
        return Evidence(TermId(name), name, FindingState.OBSERVED, weight)

    line = DifferentialLine(
        1,
        DiseaseId("OMIM:1"),
        "D",
        0.5,
        0.0,
        0.0,
        (said("weak", 0.5), said("none", 0.0), said("against", -2.0), said("strong", 3.0)),
        ((TermId("HP:1"), "ask me"),),
    )
    assert [row.text for row in evidence_rows(line)] == [
        *("Speaks for", "strong", "weak", "Speaks against", "against"),
        *("Says little", "none", "Not yet asked", "ask me"),
    ]


def test_a_value_outside_its_range_is_noticed() -> None:
    seen = Observation(
        id=RecordId("o"),
        patient_id=PatientId("p"),
        label="Aortic root",
        quantity=Quantity(44.0, "mm"),
        reference_range=ReferenceRange(20.0, 36.0),
    )
    assert value_text(seen) == "44 mm"
    assert out_of_range(seen)


def test_a_weak_passphrase_is_advised_against() -> None:
    assert "12 characters" in passphrase_advice("short", "short")
    assert "different" in passphrase_advice("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa")
    assert "two passphrases differ" in passphrase_advice("correct horse battery", "correct horse")
    assert passphrase_advice("correct horse battery", "correct horse battery") == ""


def test_who_must_be_added_again_is_named_as_far_as_there_is_room() -> None:
    assert to_add_again(()) == ""
    assert to_add_again(("eve", "tom")) == "To be added again in Settings: eve, tom."
    assert to_add_again(tuple("abcdefghij")).endswith("g, h and 2 more who typed no passphrase.")


def test_recovery_words_are_numbered() -> None:
    assert numbered("one two three four").splitlines()[1] == "4. four"


def test_errors_become_sentences() -> None:
    assert sentence("the vault is locked; close the other program") == (
        "The vault is locked; close the other program."
    )


def _evidence_graph() -> EvidenceGraph:
    """A disease with a gene, a finding it states itself, one met through a broader term, one unmet."""
    present, absent = FindingState.OBSERVED, FindingState.EXCLUDED
    return EvidenceGraph(
        (
            EvidenceNode("OMIM:1", "disease", "Marfan syndrome"),
            EvidenceNode("HGNC:1", "gene", "FBN1"),
            EvidenceNode("HP:1", "term", "Myopia", present),
            EvidenceNode("HP:2", "term", "Tall stature"),
            EvidenceNode("HP:3", "term", "Long arms", present),
            EvidenceNode("HP:4", "term", "Fever", absent),
        ),
        (
            EvidenceEdge("HGNC:1", "OMIM:1", "associated_with"),
            EvidenceEdge("OMIM:1", "HP:1", "has_phenotype", "93/251", ("PMID:1",)),
            EvidenceEdge("OMIM:1", "HP:2", "has_phenotype"),
            EvidenceEdge("HP:3", "HP:2", "is_a"),
        ),
    )


def test_a_finding_is_drawn_in_line_with_the_term_it_met_and_unmet_ones_last() -> None:
    places = {p.node.name: (p.column, p.row) for p in graph_places(_evidence_graph())}
    assert places["Myopia"] == (2, 0)
    assert places["Tall stature"] == (2, 1)
    assert places["Long arms"] == (4, 1)
    assert places["Fever"] == (4, 2)
    assert places["Marfan syndrome"] == (1, 1)
    assert places["FBN1"] == (0, 1)


def test_the_drawing_is_told_in_words() -> None:
    graph = _evidence_graph()
    assert [edge_sentence(graph, edge) for edge in graph.edges] == [
        "FBN1 is a gene of Marfan syndrome",
        "Marfan syndrome shows Myopia (93/251)",
        "Marfan syndrome shows Tall stature",
        "Long arms is a kind of Tall stature",
    ]
    assert [node.name for node in unmet(graph)] == ["Fever"]
    shown = next(edge for edge in graph.edges if edge.frequency)
    assert [edge_sentence(graph, replace(shown, borrowed_from=kin)) for kin in ("OMIM:5", SERIES)] == [
        "Marfan syndrome shows Myopia (93/251), borrowed from its kin OMIM:5",
        "Marfan syndrome shows Myopia (93/251), borrowed from its series",
    ]


def test_references_are_told_once_each_and_kin_by_name() -> None:
    evidence = Evidence(
        TermId("HP:1"), "Myopia", FindingState.OBSERVED, 1.0, ("PMID:1", "PMID:2", "PMID:1"), "frequent"
    )
    assert references_of(evidence) == ("PMID:1", "PMID:2")
    assert detail_of(evidence) == "frequent  ·  PMID:1, PMID:2"
    assert detail_of(replace(evidence, references=("ORPHA:5",), borrowed_from="ORPHA:5")) == (
        "frequent  ·  said of ORPHA:5"
    )


def test_a_frequency_is_told_as_that_of_the_term_it_was_counted_for() -> None:
    way = (PathTerm(TermId("HP:3"), "Eye", up=True), PathTerm(TermId("HP:2"), "Cataract", up=False))
    near = Evidence(
        TermId("HP:1"), "Myopia", FindingState.OBSERVED, 1.0, ("PMID:1",), "3/4", TermId("HP:2"), "Cataract"
    )
    assert detail_of(replace(near, path=way)) == "as Cataract (Myopia < Eye > Cataract)  ·  3/4  ·  PMID:1"


def test_the_picture_and_the_context_weigh_beside_the_findings() -> None:
    line = DifferentialLine(1, DiseaseId("OMIM:1"), "D", 0.5, 0.0, 0.0, picture_score=1.5, context_score=0.01)
    assert [row.text for row in evidence_rows(line)] == ["Weighs as well", "The picture as a whole"]
    calibrated = replace(line, graph_weight=0.5)
    assert [row.weight for row in evidence_rows(calibrated)] == [None, 3.0]


@pytest.mark.usefixtures("qapp")
def test_no_line_breaks_between_a_number_and_its_per_cent_sign() -> None:
    line = StandingLine(lambda: None)
    line.tell("One of 17 diseases, right for 90 % of patients.")
    assert line.label.text() == "One of 17 diseases, right for 90\N{NO-BREAK SPACE}% of patients."
