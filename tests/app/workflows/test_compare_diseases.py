"""A comparison says of each disease what its own line says, and puts what tells them apart first."""

import json
from pathlib import Path

import pytest

from app.cli.compare import as_text
from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.errors import UsageError
from app.workflows.compare_diseases import compare_diseases
from app.workflows.diagnose import DiagnosisService
from app.workflows.weighed import Presentation
from knowledge_graph.errors import UnknownDisease
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.terms.term import TermId

FINDINGS = (
    Finding(TermId("HP:0001166")),
    Finding(TermId("HP:0001083")),
    Finding(TermId("HP:0002616")),
    Finding(TermId("HP:0001249"), FindingState.EXCLUDED),
)
MARFAN, CONTRACTURAL = "OMIM:154700", "OMIM:121050"


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, with_text=False)


@pytest.mark.slow
def test_each_cell_is_what_the_line_of_the_disease_says(service: DiagnosisService) -> None:
    weighed = service.weigh(Presentation(FINDINGS))
    found = compare_diseases(service, weighed, [CONTRACTURAL, MARFAN, "ORPHA:558"])
    assert [line.disease_id for line in found.lines] == [MARFAN, CONTRACTURAL]  # the likelier one first
    whole = {line.disease_id: line for line in service.differential(weighed, top=500).lines}
    for column, line in enumerate(found.lines):
        assert line == whole[line.disease_id]
        cells = {row.term_id: row.evidence[column] for row in found.findings}
        assert cells == {e.term_id: e for e in line.evidence}
    spreads = [row.spread for row in found.findings]
    assert spreads == sorted(spreads, reverse=True)
    assert found.findings[0].term_id == "HP:0001083"  # Ectopia lentis is of Marfan syndrome
    known = {f.term_id for f in FINDINGS}
    assert found.open_findings
    assert not known & {row.term_id for row in found.open_findings}


@pytest.mark.slow
def test_what_can_not_be_compared_is_refused(service: DiagnosisService) -> None:
    weighed = service.weigh(Presentation(FINDINGS))
    with pytest.raises(UsageError, match="different diseases"):
        compare_diseases(service, weighed, [MARFAN, "ORPHA:558"])
    with pytest.raises(UnknownDisease):
        compare_diseases(service, weighed, [MARFAN, "OMIM:0"])


@pytest.mark.slow
def test_the_verb_shows_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, public_cache: Path
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    argv = [
        "diagnose",
        "--findings",
        "HP:0001166,HP:0001083,HP:0002616",
        "--compare",
        f"{MARFAN},{CONTRACTURAL}",
    ]
    assert main([*argv, "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert [line["disease_id"] for line in value["diseases"]] == [MARFAN, CONTRACTURAL]
    assert {len(row["evidence"]) for row in value["findings"]} == {2}
    assert main(argv) == 0
    text = capsys.readouterr().out
    assert "Marfan syndrome" in text
    assert value["open"][0]["name"][:20] in text
    assert main([*argv[:-1], MARFAN]) == 2


@pytest.mark.slow
def test_a_frequency_says_whose_it_is_where_another_finding_was_met(service: DiagnosisService) -> None:
    weighed = service.weigh(Presentation((Finding(TermId("HP:0001250")), Finding(TermId("HP:0001263")))))
    found = compare_diseases(service, weighed, ["OMIM:607208", "OMIM:308350"])
    seizure = next(row for row in found.findings if row.name == "Seizure").evidence[0]
    assert seizure.frequency_as_met == f"as Bilateral tonic-clonic seizure, {seizure.frequency}"
    lines = as_text(found).splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("Seizure"))
    assert lines[place + 1].split()[:2] == ["as", "Bilateral"]
    delay = next(row for row in found.findings if row.name != "Seizure").evidence[0]
    assert delay.frequency_as_met == delay.frequency
