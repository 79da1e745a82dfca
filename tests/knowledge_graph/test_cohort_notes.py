"""Synthetic notes hold every finding exactly where their spans say."""

import numpy as np
import pytest

from knowledge_graph.cohort.note_style import NoteStyle, parse_note_styles, read_note_styles
from knowledge_graph.cohort.note_writing import choose_style, in_running_text, write_note
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.errors import SourceRefused
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.term import DiseaseId, TermId

NAMES = {
    "HP:1": ("Seizure", "Fits"),
    "HP:2": ("Short stature",),
    "HP:3": ("Hirschsprung disease",),
    "HP:4": ("EEG abnormality",),
    "HP:5": ("Ataxia",),
    "HP:6": ("Cataract",),
}


def names(term_id: TermId) -> tuple[str, ...]:
    return NAMES[term_id]


def patient(**changed: object) -> SampledPatient:
    findings = [Finding(TermId(f"HP:{i}")) for i in (1, 2, 3)]
    findings.append(Finding(TermId("HP:4"), FindingState.EXCLUDED))
    fields: dict[str, object] = {
        "disease_id": DiseaseId("OMIM:1"),
        "findings": tuple(findings),
        "sex": Sex.FEMALE,
        "age_days": 2500,
        "family_terms": (TermId("HP:5"),),
        "considered_terms": (TermId("HP:6"),),
    }
    return SampledPatient(**(fields | changed))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def styles() -> tuple[NoteStyle, ...]:
    return read_note_styles()


def test_spans_hold_a_wording_of_each_finding_in_every_style(styles: tuple[NoteStyle, ...]) -> None:
    rng = np.random.default_rng(0)
    for style in styles:
        for _ in range(40):
            note = write_note(patient(), names, rng=rng, style=style)
            assert {(s.term_id, s.state) for s in note.spans} == {
                (f.term_id, f.state) for f in patient().findings
            }
            for span in (*note.spans, *note.family_spans, *note.considered_spans):
                wordings = {w.lower() for w in NAMES[span.term_id]}
                assert note.text[span.start : span.end].lower() in wordings


def test_relatives_and_suspicions_are_no_findings_of_the_patient(styles: tuple[NoteStyle, ...]) -> None:
    note = write_note(patient(), names, rng=np.random.default_rng(1), style=styles[0])
    assert [s.term_id for s in note.family_spans] == ["HP:5"]
    assert [s.term_id for s in note.considered_spans] == ["HP:6"]
    assert not {"HP:5", "HP:6"} & {s.term_id for s in note.spans}


def test_the_same_generator_writes_the_same_note(styles: tuple[NoteStyle, ...]) -> None:
    first = write_note(patient(), names, rng=np.random.default_rng(5), style=styles[1])
    assert first == write_note(patient(), names, rng=np.random.default_rng(5), style=styles[1])


def test_a_patient_without_findings_still_gets_a_note(styles: tuple[NoteStyle, ...]) -> None:
    bare = patient(findings=(), family_terms=(), considered_terms=(), sex=Sex.UNKNOWN, age_days=0)
    for style in styles:
        assert write_note(bare, names, rng=np.random.default_rng(6), style=style).spans == ()


def test_all_styles_are_chosen(styles: tuple[NoteStyle, ...]) -> None:
    rng = np.random.default_rng(7)
    assert {choose_style(styles, rng).name for _ in range(200)} == {s.name for s in styles}


def test_names_lose_their_capital_inside_a_sentence_unless_they_are_proper() -> None:
    assert in_running_text("Short stature") == "short stature"
    assert in_running_text("EEG abnormality") == "EEG abnormality"
    assert in_running_text("Hirschsprung disease") == "Hirschsprung disease"


@pytest.mark.parametrize("broken", ["not toml [", "[words]\n[[style]]\nname='x'", "x=1"])
def test_a_broken_style_file_is_refused(broken: str) -> None:
    with pytest.raises(SourceRefused):
        parse_note_styles(broken)


def test_an_unknown_slot_is_refused_by_name() -> None:
    text = '[words]\n[[style]]\nname="x"\nweight=1\nlayout=["a"]\n[style.a]\ntexts=["{nonsense}"]\nend=""\n'
    with pytest.raises(SourceRefused, match="nonsense"):
        parse_note_styles(text)
