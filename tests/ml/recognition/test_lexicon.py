"""Names are joined across inflection, spelling and everyday wording, and short capitals are guarded."""

import time

import pytest

from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Recogniser
from ml.recognition.supplement import read_supplement
from ml.recognition.tokens import form_of, loose_form

ENTRIES = [
    ("T:1", ["Seizure", "Epileptic seizures"]),
    ("T:2", ["Ventricular septal defect", "VSD"]),
    ("T:3", ["Atrial septal defect", "ASD"]),
    ("T:4", ["Autistic behavior", "ASD"]),
    ("T:5", ["Borderline personality disorder", "BPD"]),
    ("T:6", ["Synostosis of the carpal bones"]),
    ("T:7", ["Hypotonia"]),
    ("T:8", ["Cerebral atrophy"]),
    ("T:9", ["Brain atrophy"]),
    ("T:10", ["Intellectual disability, severe"]),
    ("T:11", ["Type A brachydactyly"]),
    ("T:12", ["Meningioma"]),
    ("T:13", ["Spinal meningioma"]),
    ("T:14", ["Headache"]),
    ("T:15", ["Abnormality of the uterus"]),
]
RECOGNISER = Recogniser(Lexicon.build(ENTRIES))


def terms(text: str) -> list[str]:
    return [m.term_id for m in RECOGNISER.mentions(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("carpal bone synostoses", ["T:6"]),
        ("He is hypotonic.", ["T:7"]),
        ("cerebral atrophy", ["T:8"]),  # as named, before the near synonym
        ("brain atrophy", ["T:9"]),
        ("severe intellectual disability", ["T:10"]),
        ("Brachydactyly type A", ["T:11"]),
        ("a brachydactyly type", []),
        ("frequent headaches", ["T:14"]),
        ("meningiomas, and spinal", ["T:12"]),  # a comma does not make it spinal
        ("VSD on echo", ["T:2"]),
        ("vsd", []),
        ("ASD", []),  # two terms are called so
        ("BPD of prematurity", []),  # blocked: means something else as well
        ("He had fits last night", ["T:1"]),
        ("customised to fit her foot", []),
        ("abnormal uterine bleeding", []),  # the adjective belongs to what follows
        ("atrophy of the brain", ["T:9"]),
    ],
)
def test_names_are_found_in_the_forms_clinicians_write(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("diseases", "disease"),
        ("Oedema", "edema"),
        ("vertebrae", "vertebra"),
        ("naevi", "nevus"),
        ("feet", "foot"),
        ("haemorrhages", "hemorrhage"),
        ("Paraesthesia", "paresthesia"),
    ],
)
def test_inflections_and_spellings_share_a_form(one: str, other: str) -> None:
    assert form_of(one) == form_of(other)


def test_loose_forms_join_adjectives_and_nouns() -> None:
    assert loose_form(form_of("renal")) == loose_form(form_of("kidneys"))
    assert loose_form(form_of("highly")) == loose_form(form_of("high"))


def test_no_list_of_the_supplement_contradicts_another() -> None:
    supplement = read_supplement()
    for table in (supplement.irregular, supplement.same):
        assert all(table.get(kept, kept) == kept for kept in table.values())


@pytest.mark.slow
def test_a_text_of_a_megabyte_takes_bounded_time() -> None:
    text = "She had seizures, renal and cardiac anomalies and no meningioma or VSD. " * 14_000
    started = time.perf_counter()
    assert len(RECOGNISER.mentions(text)) > 14_000
    assert time.perf_counter() - started < 60  # seconds, on any machine; 5 are usual


def test_one_endless_sentence_does_not_explode() -> None:
    text = "no " * 400 + "seizures and " * 400
    assert len(RECOGNISER.mentions(text)) == 400


@pytest.mark.parametrize(("text", "term"), [("The baby is mottled", "T:marbled"), ("mottled legs", "T:net")])
def test_mottled_skin_is_marbled_and_a_net_on_the_legs_livedo(text: str, term: str) -> None:
    lexicon = Lexicon.build([("T:marbled", ["Cutis marmorata"]), ("T:net", ["Livedo reticularis"])])
    assert [m.term_id for m in Recogniser(lexicon).mentions(text)] == [term]
