"""Conditions that rules ask for by code are read in notes: where they stand, of the patient, and of now."""

import json
from functools import partial
from pathlib import Path

import pytest

from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.workflows.condition_list import shipped_conditions
from app.workflows.diagnose import DiagnosisService
from app.workflows.read_conditions import ConditionReader
from app.workflows.suggest_findings import build_recogniser
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.rule import RuleBook
from knowledge_graph.rules.rule_file import merge, shipped_rules
from knowledge_graph.sources.knowledge_pack import PackDisease
from knowledge_graph.terms.term import DiseaseId, TermId

SEIZURE = Finding(TermId("HP:0001250"))


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return merge(shipped_rules())


@pytest.fixture(scope="module")
def reader(book: RuleBook) -> ConditionReader:
    return ConditionReader(book)


def codes(reader: ConditionReader, *texts: str, sex: Sex = Sex.FEMALE, years: float = 30) -> list[str]:
    return [c.code for c in reader.read(texts, sex=sex, age_days=int(years * 365.25))]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("Ἀνήρ.\r\nShe is 30 weeks pregnant.", "ICD-10:Z33", "pregnant"),
        ("Seen at 31 weeks gestation. Born here.", "ICD-10:Z33", "weeks gestation"),
        ("A primigravida with headaches; her sister was born at term.", "ICD-10:Z33", "primigravida"),
        ("In the 31st week of gestation.", "ICD-10:Z33", "week of gestation"),
        ("Urine pregnancy test is positive.", "ICD-10:Z33", "pregnancy test is positive"),
        ("An eclamptic fit at home.", "ICD-10:O15", "eclamptic fit"),
        ("Admitted with pre-eclampsia.", "ICD-10:O14", "pre-eclampsia"),
        ("Known sickle cell anemia.", "ICD-10:D57", "sickle cell anemia"),
        ("She has not felt the baby move; 36 weeks pregnant.", "ICD-10:Z33", "pregnant"),
        ("Head injury this morning.", "ICD-10:S09", "Head injury"),
    ],
)
def test_a_condition_is_named_with_its_place(
    reader: ConditionReader, text: str, code: str, words: str
) -> None:
    (mention,) = reader.mentions(text)
    assert (mention.term_id, mention.text) == (code, words)
    assert text[mention.start : mention.end] == words
    assert codes(reader, text) == [code.split(":")[1]]


@pytest.mark.parametrize(
    "text",
    [
        "She is not pregnant.",
        "Pregnant: no",
        "Pregnancy test negative.",
        "Non-pregnant adult.",
        "Her sister is pregnant.",
        "Family history: mother with eclampsia.",
        "She may be pregnant.",
        "Is she pregnant?",
        "Risk of pre-eclampsia.",
        "History of eclampsia in 2019.",
        "Her mother's pregnancy was uneventful.",
        "Sickle cell trait.",
        "I am trying to get pregnant.",
        "Have you ever been pregnant?",
        "She has been pregnant twice.",
        "She was born at 31 weeks gestation by caesarean section.",
        "Delivered at 39 weeks of gestation.",
        "Birth weight 3 kg at 40 weeks gestation.",
        "A miscarriage at 9 weeks' gestation in 2019.",
        "Previous head injury.",
        "Pregnant in 2019, seizures then.",
        "A head injury two years ago.",
        "Head injury as a child.",
        "Denies anorexia nervosa.",
        "Headache and nausea.",
        "",
    ],
)
def test_what_is_denied_feared_past_or_another_persons_is_not_hers_now(
    reader: ConditionReader, text: str
) -> None:
    assert codes(reader, text) == []


def test_a_pregnancy_is_of_no_man_and_of_no_infant(reader: ConditionReader) -> None:
    text = "Pregnant, with headaches. Sickle cell disease."
    assert codes(reader, text) == ["Z33", "D57"]
    assert codes(reader, text, sex=Sex.MALE) == codes(reader, text, years=0.5) == ["D57"]
    assert [c.code for c in reader.read([text])] == ["Z33", "D57"]  # nobody knows of whom it is


def test_who_has_a_history_of_a_lasting_condition_has_it(reader: ConditionReader) -> None:
    assert codes(reader, "A history of sickle cell disease and of eclampsia.") == ["D57"]


def test_a_condition_of_an_old_note_counts_for_as_long_as_it_can_last(reader: ConditionReader) -> None:
    texts = ["She is 30 weeks pregnant. Sickle cell disease.", "A head injury at work."]

    def of_now(*days_old: int | None) -> list[str]:
        return [c.code for c in reader.read(texts, sex=Sex.FEMALE, age_days=10_000, days_old=days_old)]

    assert of_now() == of_now(None, None) == of_now(0, 0) == of_now(42 * 7, 28) == ["Z33", "D57", "S09"]
    assert of_now(42 * 7 + 1, 29) == of_now(5 * 365, 5 * 365) == ["D57"]
    assert of_now(5 * 365) == ["D57", "S09"]  # of the second nobody knows when it was written


def test_every_span_is_named_and_bears_on_some_rule(book: RuleBook) -> None:
    wanted = {code for rule in (*book.red_flags, *book.pairs) for code in rule.codes}
    known = [condition.code for condition in ConditionReader(book).known]
    for span in shipped_conditions().span:
        for code in span.codes:
            assert any(code.startswith(w) or w.startswith(code) for w in (*wanted, *known)), code


def test_each_code_is_told_once_with_the_first_place(reader: ConditionReader) -> None:
    (told,) = reader.read(["No news.", "Is pregnant.", "Still pregnant."], sex=Sex.FEMALE)
    assert (told.system, told.code, told.said) == ("ICD-10", "Z33", "Pregnant, named in a note at 3-11")


def test_only_what_some_rule_asks_for_is_read_a_packs_diseases_too(book: RuleBook) -> None:
    own = [
        PackDisease(DiseaseId("OWN:1"), "Gestational toxicosis", "O14.1"),
        PackDisease(DiseaseId("OWN:2"), "Tennis elbow", "M77.1"),
    ]
    reader = ConditionReader(book, own)
    assert codes(reader, "Gestational toxicosis and tennis elbow.") == ["O14.1"]
    assert codes(ConditionReader(RuleBook(), own), "Gestational toxicosis. Pregnant.") == []


def test_a_note_that_names_eclampsia_raises_the_alarm(
    real_graph: CompiledGraph, public_cache: Path, book: RuleBook
) -> None:
    recogniser = partial(build_recogniser, real_graph, public_cache)
    service = DiagnosisService(real_graph, None, recogniser=recogniser, rules=lambda: book)

    def fired(text: str, *findings: Finding, sex: Sex = Sex.FEMALE) -> dict[str, tuple[str, ...]]:
        trace = service.trace(Presentation(findings, (text,), sex, 28 * 365))
        return {alert.rule_id: tuple(by for r in alert.met for by in r.by) for alert in trace.alerts}

    assert fired("Eclampsia this morning.") == {
        "eclampsia-named": ("ICD-10 O15 (Eclampsia, named in a note at 0-9)", "female")
    }
    assert fired("She is 30 weeks pregnant.", SEIZURE)["eclampsia"][:2] == (
        "Seizure",
        "ICD-10 Z33 (Pregnant, named in a note at 16-24)",
    )
    pregnant = "She is 30 weeks pregnant."
    assert "eclampsia" in fired(pregnant, SEIZURE, sex=Sex.UNKNOWN)  # who is pregnant is female
    assert "eclampsia" not in fired(pregnant, SEIZURE, sex=Sex.MALE)
    chest_pain = Finding(TermId("HP:0100749"))
    assert "aortic-dissection-inherited" in fired("Known Marfan syndrome.", chest_pain)
    for other in ("Her father has Marfan syndrome.", "No sign of Marfan syndrome.", "Marfanoid habitus."):
        assert "aortic-dissection-inherited" not in fired(other, chest_pain)
    for quiet in ("No eclampsia.", "Her sister had eclampsia.", "Risk of eclampsia."):
        assert not fired(quiet)
    assert "eclampsia" not in fired("She is not pregnant.", SEIZURE)
    assert not fired("Eclampsia this morning.", sex=Sex.MALE)


def test_the_findings_verb_shows_conditions_with_their_places(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, public_cache: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    note = tmp_path / "note.txt"
    note.write_text("Seizure. She is pregnant.", "utf-8")
    assert main(["findings", "--json", "--text", str(note)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [f["name"] for f in told["findings"]] == ["Seizure"]
    (condition,) = told["conditions"]
    assert (condition["code"], condition["start"], condition["end"]) == ("ICD-10:Z33", 16, 24)
    assert (condition["state"], condition["experiencer"]) == ("observed", "patient")


def test_what_is_not_read_for_conditions_holds_none(reader: ConditionReader) -> None:
    """The quick look that spares most notes a reading passes over no inflection and no spelling."""
    for text in (
        "SICKLE-CELL ANAEMIA",
        "injuries to the head",
        "He abuses alcohol.",
        "pre-eclamptic toxemia",
    ):
        assert len(reader.mentions(text)) == 1
    names = [name for condition in reader.known for name in condition.names]
    assert len(names) > 20
    assert [name for name in names if not reader.mentions(name)] == []
