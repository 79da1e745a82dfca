"""The text of a differential adds up by itself: a reader needs no JSON to follow a probability."""

import math
import re
from pathlib import Path

import pytest

from app.cli.diagnose import as_json, as_text
from app.clinical.diagnosis import Differential
from app.workflows.diagnose import DiagnosisService
from app.workflows.load_knowledge import KnowledgeChoice
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import TermId

TERMS = ("HP:0010307", "HP:0012735", "HP:0001609", "HP:0000952", "HP:0002315")
FINDINGS = (
    *(Finding(TermId(t), FindingState.OBSERVED) for t in TERMS),
    Finding(TermId("HP:0001945"), FindingState.EXCLUDED),
)
_NUMBER = r"([+-]\d+\.\d\d)"


@pytest.fixture(scope="module")
def found(public_cache: Path) -> Differential:
    choice = KnowledgeChoice(setting=Setting.PRIMARY_CARE)
    service = DiagnosisService.load(public_cache, with_text=False, choice=choice)
    return service.diagnose(Presentation(FINDINGS, sex=Sex.FEMALE, age_days=16 * 365), top=40)


def test_the_json_holds_all_that_adds_up_to_a_probability(found: Differential) -> None:
    told = as_json(found)
    for line in told["differential"]:
        parts = ("text_score", "graph_score", "prior_score", "same_as_score", "rule_score")
        whole = sum(line[part] for part in parts) - told["log_normaliser"]
        assert whole == pytest.approx(math.log(line["probability"]), abs=1e-6)


def test_the_text_says_every_part_and_they_add_up(found: Differential) -> None:
    blocks = re.split(
        r"\n(?= +\d+ +[<\d])", "\n" + as_text(found).split("\n\nWeighed")[0].split("\n\nBy the")[0]
    )
    blocks = [block for block in blocks if " = ln " in block]
    assert len(blocks) == len(found.lines)
    held = 0
    for block, line in zip(blocks, found.lines, strict=True):
        rows = [row.strip() for row in block.splitlines()[1:]]
        graph_row = next(row for row in rows if "together, times" in row)
        rules = [float(row.split()[0]) for row in rows if "  rule: " in row]
        reasons = [float(row.split()[0]) for row in rows[: rows.index(graph_row)]]
        together, graph = (float(n) for n in re.findall(_NUMBER, graph_row))
        assert sum(reasons) == pytest.approx(together, abs=0.006 * (len(reasons) + 1))
        weight = float(re.search(r"times (\d\.\d\d)", graph_row)[1])  # type: ignore[index]
        assert graph == pytest.approx(together * weight, rel=0.03)
        whole, *parts = (float(n) for n in re.findall(_NUMBER, rows[-1]))
        assert whole == pytest.approx(sum(parts), abs=0.006 * (len(parts) + 1))
        assert whole == pytest.approx(math.log(line.probability), abs=0.006)
        assert sum(rules) == pytest.approx(line.rule_score, abs=0.02)
        held += bool(rules)
    assert held


def test_the_strongest_against_is_shown(found: Differential) -> None:
    assert re.search(r"\n +-\d\.\d\d  Jaundice \(observed\)", as_text(found))
