"""Labels by kind: what contradicts itself is queued, guesses stay guesses, copies stay with their patient."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId, NoteId, PatientId, RecordId
from app.clinical.label import ConflictKind
from app.clinical.note import ErrorReason, Note
from app.clinical.patient import Patient
from app.clinical.record import Coding, Condition
from app.store.note_error import mark_in_error
from app.store.vault import Vault
from app.workflows.augment_findings import FindingTeller
from app.workflows.cast_votes import GRAPH
from app.workflows.collect_examples import Example, Source, collect_examples
from app.workflows.diagnose import DiagnosisService
from app.workflows.find_conflicts import DiseaseNames, find_conflicts
from app.workflows.standing_word import disease_of
from app.workflows.weak_labels import weak_labels
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId, TermId
from tests.app.workflows.training_site import empty_vault

MARFAN, TWIN, OTHER = "OMIM:154700", "ORPHA:558", "OMIM:609192"
CLASSIC = (
    "Arachnodactyly, ectopia lentis, aortic root aneurysm, tall stature, pectus excavatum and scoliosis."
)
SAID = "Global developmental delay was noted at two years."


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with empty_vault(tmp_path / "site.vault") as made:
        yield made


def put(
    vault: Vault,
    name: str,
    *texts: str,
    coded: str = "",
    born: str = "",
    words: tuple[tuple[str, str], ...] = (),
) -> PatientId:
    """A patient with notes, a coded condition and decisions (disease, decision)."""
    who = PatientId(f"p-{name}")
    records: list[object] = [Patient(who, "Doe, Jo" if born else name, born)]
    records += [
        Note(NoteId(f"n-{name}-{i}"), who, text, "", f"2024-01-0{i + 1}") for i, text in enumerate(texts)
    ]
    if coded:
        system, code = coded.split("|")
        records.append(Condition(RecordId(f"c-{name}"), who, "coded", (Coding(system, code),)))
    vault.put_records(records, origin="synthetic")  # type: ignore[arg-type]
    for disease, decision in words:
        vault.record_diagnosis(
            Diagnosis(who, DiseaseId(disease), disease, Decision(decision), "ann", "2024-02-01")
        )
    return who


def mark(vault: Vault, patient: PatientId, term: str, state: FindingState) -> None:
    note = NoteId(f"n-{patient.removeprefix('p-')}-0")
    made = Annotation(AnnotationId(f"a-{patient}-{term}-{state}"), note, 0, 4, TermId(term), state)
    vault.append_annotations([AnnotationEvent(AnnotationAction.ADD, made, "ann", "2024-02-01")])


def collected(vault: Vault, graph: CompiledGraph, *, coded: bool = False, copies: int = 0) -> list[Example]:
    rng = np.random.default_rng(0)
    source = Source(FindingTeller(graph, lambda below: int(rng.integers(below))), coded, copies)
    *_shares, examples = collect_examples(vault, (MARFAN, TWIN, OTHER), source=source, shuffle=list.sort)
    assert isinstance(examples, list)
    return examples


@pytest.mark.slow
def test_what_contradicts_itself_is_queued_and_what_agrees_is_not(
    vault: Vault, real_graph: CompiledGraph
) -> None:
    confirmed, rejected = "confirmed", "rejected"
    both = put(vault, "both", words=((MARFAN, confirmed), (TWIN, rejected)))
    several = put(vault, "several", words=((MARFAN, confirmed), (OTHER, confirmed)))
    coded = put(vault, "coded", coded="http://omim.org|154700", words=((MARFAN, rejected),))
    otherwise = put(vault, "other", coded="http://www.orpha.net|558", words=((OTHER, confirmed),))
    put(vault, "agrees", coded="http://www.orpha.net|558", words=((MARFAN, confirmed),))
    put(vault, "withdrawn", words=((MARFAN, confirmed), (TWIN, rejected), (TWIN, "withdrawn")))
    put(vault, "once", born="2001-01-01", words=((MARFAN, confirmed),))
    twice = put(vault, "twice", born="2001-01-01", words=((OTHER, confirmed),))
    marked = put(vault, "marked", "Tall. Not tall.")
    mark(vault, marked, "HP:0000098", FindingState.OBSERVED)
    mark(vault, marked, "HP:0000098", FindingState.EXCLUDED)
    told = list(find_conflicts(vault, DiseaseNames(real_graph)))
    shares = [said for said in told if isinstance(said, float)]
    assert shares == sorted(shares)
    assert shares[:2] == [0.11, 0.22]
    assert told[-1] == 1
    found = {(c.patient_id, c.kind, c.about) for c in told if not isinstance(c, float)}
    one_person = {c for c in found if c[1] is ConflictKind.ONE_PERSON_TWICE}
    assert {c[0] for c in one_person} <= {twice, PatientId("p-once")}
    assert len(one_person) == 1
    assert found - one_person == {
        (both, ConflictKind.BOTH_WAYS, (MARFAN,)),
        (several, ConflictKind.SEVERAL, (MARFAN, OTHER)),
        (coded, ConflictKind.CODED_REJECTED, (MARFAN,)),
        (otherwise, ConflictKind.CODED_OTHERWISE, (MARFAN,)),
        (marked, ConflictKind.FINDING_BOTH_WAYS, ("HP:0000098",)),
    }


@pytest.mark.slow
def test_a_disease_is_learned_by_whichever_of_its_ids_it_was_named(
    vault: Vault, real_graph: CompiledGraph
) -> None:
    put(vault, "twin", "Seen first.", words=((TWIN, "confirmed"),))
    codings = (Coding("http://omim.org", "154700"), Coding("http://www.orpha.net", "558"))
    for name, words in (("twice", ()), ("refused", ((TWIN, "rejected"),))):
        who = put(vault, name, "Seen second.", words=words)
        vault.put_records([Condition(RecordId(f"c-{name}"), who, "coded", codings)], origin="synthetic")
    teller, one = FindingTeller(real_graph, lambda _below: 0), DiseaseNames(real_graph).one
    for declared in (MARFAN, TWIN):
        source = Source(teller, coded=True, one=one)
        *_shares, examples = collect_examples(vault, (declared, OTHER), source=source, shuffle=list.sort)
        assert isinstance(examples, list)
        assert sorted((e.texts, e.disease_id) for e in examples) == [
            (("Seen first.",), declared),
            (("Seen second.",), declared),
        ]


@pytest.mark.slow
def test_coded_diseases_count_only_where_asked_and_never_against_a_clinician(
    vault: Vault, real_graph: CompiledGraph
) -> None:
    put(vault, "own", "Seen first.", words=((OTHER, "confirmed"),), coded="OMIM|OMIM:154700")
    put(vault, "code", "Seen next.", coded="urn:oid:omim|154700")
    put(vault, "refused", "Seen last.", coded="http://omim.org|154700", words=((MARFAN, "rejected"),))
    assert [e.disease_id for e in collected(vault, real_graph)] == [OTHER]
    examples = {e.texts[0]: e.disease_id for e in collected(vault, real_graph, coded=True)}
    assert examples == {"Seen first.": OTHER, "Seen next.": MARFAN}


@pytest.mark.slow
def test_copies_stay_with_their_patient_and_notes_are_cleaned(
    vault: Vault, real_graph: CompiledGraph
) -> None:
    first = put(vault, "one", f"{SAID} Pt h/o ataxia.", f"{SAID} New.", words=((MARFAN, "confirmed"),))
    bare = put(vault, "bare", words=((OTHER, "confirmed"),))
    mark(vault, first, "HP:0001166", FindingState.OBSERVED)
    mark(vault, first, "HP:0001250", FindingState.EXCLUDED)
    (plain,) = collected(vault, real_graph)  # the other one has neither note nor finding
    assert plain.texts == (f"{SAID} Patient history of ataxia.", " New.")
    (example,) = collected(vault, real_graph, copies=3)
    assert example.texts[:2] == plain.texts
    assert len(example.texts) == 5
    known = {
        n.casefold()
        for n in ("Arachnodactyly", *real_graph.term_synonyms[real_graph.term_number("HP:0001166")])
    }
    parents = real_graph.parents[real_graph.term_number("HP:0001166")].tolist()
    known |= {s.casefold() for p in parents for s in (real_graph.term_names[p], *real_graph.term_synonyms[p])}
    for told in example.texts[2:]:
        observed, excluded = told.removesuffix(".").split(". ")
        assert observed.casefold() in known
        assert excluded.startswith("no ")
    assert bare in vault.labelled_patients()


@pytest.mark.slow
def test_a_note_entered_in_error_teaches_nothing(vault: Vault, real_graph: CompiledGraph) -> None:
    who = put(vault, "ada", SAID, "Hypotonia was noted at birth.", words=((MARFAN, "confirmed"),))
    mark(vault, who, "HP:0001263", FindingState.OBSERVED)
    mark_in_error(vault, NoteId("n-ada-0"), ErrorReason.WRONG_PATIENT)
    (example,) = collected(vault, real_graph)
    assert example.texts == ("Hypotonia was noted at birth.",)
    mark_in_error(vault, NoteId("n-ada-1"), ErrorReason.WRONG_PATIENT)
    assert collected(vault, real_graph) == []


@pytest.mark.slow
def test_a_guess_has_its_confidence_and_yields_to_the_clinician(vault: Vault, public_cache: Path) -> None:
    service = DiagnosisService.load(public_cache, with_text=False)
    guessed = put(vault, "guess", CLASSIC)
    put(vault, "known", CLASSIC, words=((OTHER, "confirmed"),))
    put(vault, "refused", CLASSIC, words=((TWIN, "rejected"),))
    put(vault, "silent", "Well today.")
    found = list(weak_labels(vault, service, DiseaseNames(service.graph), today=date(2024, 3, 1)))
    (label,) = found
    assert (label.patient_id, label.disease_id) == (guessed, MARFAN)
    assert label.sources == (GRAPH,)
    assert 0.6 <= label.confidence < 1
    assert collected(vault, service.graph) == [
        Example(0, (CLASSIC,), OTHER)
    ]  # guesses are never learned from


def test_a_parent_is_told_for_what_is_there_never_for_what_is_absent(real_graph: CompiledGraph) -> None:
    teller = FindingTeller(real_graph, lambda _below: 0)  # always the parent, always the first name
    term = real_graph.term_number("HP:0001166")
    parent = real_graph.term_names[real_graph.parents[term].tolist()[0]]
    there, absent = (Finding(TermId("HP:0001166"), s) for s in (FindingState.OBSERVED, FindingState.EXCLUDED))
    assert teller.anew([there], copies=1) == [f"{parent}."]
    assert teller.anew([absent], copies=1) == ["no Arachnodactyly."]
    assert teller.plain([there, absent]) == "Arachnodactyly. no Arachnodactyly."
    assert teller.anew([], copies=2) == []


def test_a_code_is_read_however_its_system_is_written() -> None:
    assert disease_of(Coding("http://www.orpha.net", "ORPHA:558")) == TWIN
    assert disease_of(Coding("urn:oid:2.16.840.1.113883.6.174", "MIM:1")) == ""
    assert disease_of(Coding("http://omim.org", "#154700")) == MARFAN
    assert disease_of(Coding("http://snomed.info/sct", "19346006")) == ""
