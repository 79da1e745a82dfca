"""How sure the whole may be is learned on sampled patients; it moves no disease past another."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.workflows.diagnose import DiagnosisService
from app.workflows.fit_sureness import CALIBRATED, UNCHANGED, learn_sureness, write_powers
from app.workflows.load_knowledge import KnowledgeChoice
from knowledge_graph.findings.finding import Sex
from knowledge_graph.fusion.fusion_weights import FusionWeights, Told
from knowledge_graph.terms.occurrence import Setting

pytestmark = pytest.mark.slow
LAY = "I've had a runny nose and I keep sneezing. My eyes are itchy and watery."


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, provider="cpu", choice=KnowledgeChoice())


def test_the_powers_of_too_sure_weights_come_out_low_and_mend_the_error(
    service: DiagnosisService, tmp_path: Path
) -> None:
    shipped = FusionWeights.load()
    sure = replace(shipped, graph=2 * shipped.graph, text=2 * shipped.text)
    fit = learn_sureness(service, sure, count=40, seed=3, progress=lambda *_told, **_share: None)
    assert replace(fit.weights, message=1.0, common_note=1.0, common_message=1.0) == replace(
        sure, message=1.0, common_note=1.0, common_message=1.0
    )
    for name, ways in fit.held_out.items():
        assert 0.1 < getattr(fit.weights, name) < 0.8
        assert ways[CALIBRATED].ece < ways[UNCHANGED].ece
        assert ways[CALIBRATED].top1 == pytest.approx(ways[UNCHANGED].top1, abs=0.01)  # ids of one disease
    write_powers(tmp_path / "weights.toml", fit)
    text = (tmp_path / "weights.toml").read_text("utf-8")
    assert FusionWeights.of_text(text).sha256 == fit.weights.sha256
    assert f"learned on {fit.notes} sampled notes" in text
    assert "--fit-fusion" in text


def test_a_message_is_weighed_by_its_power_in_its_setting(service: DiagnosisService) -> None:
    weights = FusionWeights.load()
    for setting, power in (
        (Setting.RARE_DISEASE_CLINIC, weights.message),
        (Setting.PRIMARY_CARE, weights.common_message),
        (Setting.EMERGENCY, weights.common_message),
    ):
        service.setting = setting
        asked = service.presentation_of_text(LAY, sex=Sex.UNKNOWN, age=None)
        assert asked.told is Told.MESSAGE
        weighed = service.weigh(asked)
        bare = service.fused(weighed.scores, weighed.held, weighed.text, told=Told.MESSAGE)
        assert weighed.fused.shown == pytest.approx(bare.shown)
        count = sum(f.state == "observed" for f in weighed.scores.findings)
        assert weighed.fused.graph_weight == pytest.approx(power * weights.of_graph(count, with_text=True))
    service.setting = Setting.RARE_DISEASE_CLINIC
