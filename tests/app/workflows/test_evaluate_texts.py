"""The whole diagnosis on texts of common conditions: counted by hand, and a floor that it keeps."""

import json
from pathlib import Path

import pytest

from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.errors import UsageError
from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_cases import Case, read_cases
from app.workflows.evaluate_notes import FUSED
from app.workflows.evaluate_texts import ALL, evaluate_texts, label_diseases
from app.workflows.load_knowledge import KnowledgeChoice
from knowledge_graph.terms.occurrence import Setting

NOTES = Path(__file__).parent / "common_notes.jsonl"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, provider="cpu", choice=KnowledgeChoice())


def test_every_note_and_label_names_diseases_of_the_knowledge(service: DiagnosisService) -> None:
    cases = list(read_cases(NOTES))
    firsts = {case.disease_ids[0] for case in cases}
    assert (len(cases), len(firsts)) == (40, 40)
    named = {d for case in cases for d in case.disease_ids} | {
        d for ids in label_diseases().values() for d in ids
    }
    assert named <= set(service.graph.disease_ids)


def test_a_label_stands_for_the_condition_of_the_pack_that_is_named_so(service: DiagnosisService) -> None:
    named = dict(zip(service.graph.disease_ids, service.graph.disease_names, strict=True))
    pack = {d: name.casefold() for d, name in named.items() if d.split(":")[0] in service.graph.pack_spaces}
    for label, ids in label_diseases().items():
        assert {d for d, name in pack.items() if name.startswith(label.casefold())} <= set(ids)


def test_a_text_counts_by_its_style_and_one_of_an_unknown_disease_is_left_out(
    service: DiagnosisService,
) -> None:
    told = next(read_cases(NOTES))
    unknown = Case(text="Cough.", label="Jaundice")
    found = evaluate_texts(service, [told, unknown, replace_style(told, "other")])
    assert (found.not_in_knowledge, found.report[ALL][FUSED].n) == (1, 2)
    assert {style: ways[FUSED].n for style, ways in found.report.items()} == {
        ALL: 2,
        told.style: 1,
        "other": 1,
    }
    with pytest.raises(UsageError, match="no text"):
        evaluate_texts(service, [Case(disease_id="COMMON:gout")])
    with pytest.raises(UsageError, match="bring others"):
        evaluate_texts(service, [unknown])


def replace_style(case: Case, style: str) -> Case:
    return Case(**{**{f: getattr(case, f) for f in Case.__struct_fields__}, "style": style})


def test_common_conditions_are_found_by_free_text(service: DiagnosisService) -> None:
    for setting, top1, top10 in ((Setting.RARE_DISEASE_CLINIC, 0.5, 0.7), (Setting.PRIMARY_CARE, 0.6, 0.9)):
        service.setting = setting
        found = evaluate_texts(service, read_cases(NOTES)).report[ALL][FUSED]
        assert found.top1 >= top1
        assert found.top10 >= top10


def test_the_command_prints_the_table(
    tmp_path: Path, public_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(NOTES.read_text("utf-8").splitlines()[:2]), "utf-8")
    assert main(["evaluate", "--texts", str(file), "--setting", "primary_care", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["setting"], answer["all"]["fused"]["n"]) == ("primary_care", 2)
