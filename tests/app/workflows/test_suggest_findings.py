"""Suggestions leave alone what the clinician has already spoken about; the lexicon's cache is checked."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.clinical.annotation import Annotation
from app.clinical.ids import AnnotationId, NoteId
from app.workflows.suggest_findings import Suggestion, build_recogniser, suggest_findings
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import TermId
from ml.recognition.recogniser import Recogniser
from ml.recognition.supplement import read_supplement
from ml.recognition.wordings import sayings

pytestmark = pytest.mark.slow
NOTE = NoteId("note-1")
TEXT = "She has seizures and short stature. No ataxia. Her mother has cataract. Possible scoliosis."


@pytest.fixture(scope="module")
def recogniser(real_graph: CompiledGraph) -> Recogniser:
    return build_recogniser(real_graph)


def test_a_note_gets_the_patients_own_findings(recogniser: Recogniser, real_graph: CompiledGraph) -> None:
    found = suggest_findings(recogniser, real_graph, note_id=NOTE, text=TEXT)
    assert [(s.name, s.annotation.state.value) for s in found] == [
        ("Seizure", "observed"),
        ("Short stature", "observed"),
        ("Ataxia", "excluded"),
    ]
    assert [TEXT[s.annotation.start : s.annotation.end] for s in found] == [
        "seizures",
        "short stature",
        "ataxia",
    ]


@pytest.mark.parametrize("rejected", [False, True])
def test_marks_and_rejections_are_not_suggested_again(
    recogniser: Recogniser, real_graph: CompiledGraph, rejected: bool
) -> None:
    mark = Annotation(
        id=AnnotationId("a"),
        note_id=NOTE,
        start=8,
        end=16,
        term_id=TermId("HP:0001250"),
        state=FindingState.OBSERVED,
        rejected=rejected,
    )
    found = suggest_findings(recogniser, real_graph, note_id=NOTE, text=TEXT, marks=[mark])
    assert [s.name for s in found] == ["Short stature", "Ataxia"]


def test_a_mark_on_one_half_of_a_coordination_leaves_the_other(
    recogniser: Recogniser, real_graph: CompiledGraph
) -> None:
    text = "cleft lip and palate"
    lip, palate = suggest_findings(recogniser, real_graph, note_id=NOTE, text=text)
    assert {lip.name, palate.name} == {"Cleft lip", "Cleft palate"}
    left = suggest_findings(recogniser, real_graph, note_id=NOTE, text=text, marks=[lip.annotation])
    assert left == (palate,)
    corrected = replace(lip.annotation, term_id=TermId("HP:0000202"))
    assert suggest_findings(recogniser, real_graph, note_id=NOTE, text=text, marks=[corrected]) == ()


def test_a_cached_lexicon_finds_the_same(real_graph: CompiledGraph, tmp_path: Path) -> None:
    first = build_recogniser(real_graph, tmp_path)
    (cache,) = tmp_path.iterdir()
    assert build_recogniser(real_graph, tmp_path).mentions(TEXT) == first.mentions(TEXT)
    cache.write_bytes(cache.read_bytes()[:-7] + b"altered")
    assert build_recogniser(real_graph, tmp_path).mentions(TEXT) == first.mentions(TEXT)


def test_only_phenotypic_abnormalities_are_found(recogniser: Recogniser, real_graph: CompiledGraph) -> None:
    text = "Autosomal dominant, congenital onset, slowly progressive. Seizures."
    assert [m.term_id for m in recogniser.mentions(text)] == ["HP:0001250"]


def test_every_wording_of_the_supplement_reaches_a_term(
    recogniser: Recogniser, real_graph: CompiledGraph
) -> None:
    for text in ("He had fits.", "She fainted", "short of breath", "runny nose", "tummy ache", "HTN", "SNHL"):
        assert len(recogniser.mentions(text)) == 1, text


@pytest.mark.parametrize(
    "text", ["", "\ufeff", "\r\n\t", "🩺 seizures 👩‍⚕️\r\nséizures", "ﬁts", "x" * 5000, "癫痫 seizures 发作"]
)
def test_unusual_text_keeps_its_offsets(recogniser: Recogniser, text: str) -> None:
    for mention in recogniser.mentions(text):
        assert text[mention.start : mention.end] == mention.text


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("He wets the bed.", "Enuresis nocturna"),
        ("She stopped talking at 18 months.", "Loss of speech"),
        ("He can't keep food down.", "Vomiting"),
        ("It is the worst headache of her life.", "Thunderclap headache"),
        ("He suddenly lost sight in one eye.", "Sudden loss of visual acuity"),
        ("The veins in my legs are bulging.", "Prominent superficial veins"),
        ("My eyes have gone yellow.", "Jaundice"),
        ("My stools are black and tarry, black stools for days.", "Melena"),
        ("I get up at night to pee.", "Nocturia"),
    ],
)
def test_what_patients_say_is_read(
    recogniser: Recogniser, real_graph: CompiledGraph, said: str, read: str
) -> None:
    found = {(s.name, s.annotation.state.value) for s in _suggested(recogniser, real_graph, said)}
    assert found == {(read, "observed")}


@pytest.mark.parametrize("said", ["He is able to keep food down.", "The wound has clean edges."])
def test_what_sounds_like_a_complaint_and_is_none_is_not_read(
    recogniser: Recogniser, real_graph: CompiledGraph, said: str
) -> None:
    assert not _suggested(recogniser, real_graph, said)


def test_a_denied_complaint_is_excluded(recogniser: Recogniser, real_graph: CompiledGraph) -> None:
    (found,) = _suggested(recogniser, real_graph, "No trouble swallowing.")
    assert (found.name, found.annotation.state) == ("Dysphagia", FindingState.EXCLUDED)


def test_every_everyday_wording_belongs_to_a_name_of_the_ontology(real_graph: CompiledGraph) -> None:
    names = {name.casefold() for name in real_graph.term_names}
    names |= {name.casefold() for synonyms in real_graph.term_synonyms for name in synonyms}
    ours = (*sayings(), *read_supplement().abbreviations.values())
    assert not [name for name in ours if name.casefold() not in names]


def _suggested(recogniser: Recogniser, graph: CompiledGraph, text: str) -> tuple[Suggestion, ...]:
    return suggest_findings(recogniser, graph, note_id=NOTE, text=text)


def test_a_coma_scale_is_no_coma_and_an_allergy_list_is_of_the_past(recogniser: Recogniser) -> None:
    (scale,) = recogniser.mentions("Glasgow Coma Scale 15.")
    assert (scale.term_id, scale.state) == ("HP:0004372", "excluded")  # Reduced consciousness
    listed, now = recogniser.mentions("Allergies: penicillin (anaphylaxis)\nImpression: anaphylaxis.")
    assert listed.term_id == now.term_id == "HP:0100845"
    assert (listed.temporality, now.temporality) == ("historical", "current")
