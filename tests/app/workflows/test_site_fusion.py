"""The trainer is told what a diagnosis weighs beside her text; what it learns, diagnoses weigh."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from app.cli.case import parse_findings
from app.config.policy import Policy
from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_notes import FUSED, GRAPH, TEXT, ScoredNote, ways_of
from app.workflows.learned_weights import learned_weights
from app.workflows.load_knowledge import KnowledgeChoice
from app.workflows.site_fusion import MOST_DISEASES, SiteFusion, beside_of
from app.workflows.weighed import Presentation
from app.workflows.write_notes import SYNTHETIC, KnownNote
from knowledge_graph.findings.finding import Sex
from knowledge_graph.fusion.fusion_weights import FusionWeights, Told
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import DiseaseId
from ml.inference.version_loading import load_predictor
from ml.registry.model_card import card_markdown
from ml.registry.model_version import VersionContent, pack_version
from ml.registry.starting_model import starting_version
from ml.registry.training_result import LearnedFusion
from ml.text.encoder_files import find_encoder

MARFAN = "OMIM:154700"
TODAY = date(2026, 1, 1)
MARFANOID = parse_findings("HP:0001166,HP:0001519,HP:0001083,HP:0002616,HP:0000767,-HP:0001249")
NOTE = "Tall stature, long fingers, a dislocated lens and a wide aortic root. The intellect is normal."
ASKED = Presentation(MARFANOID, (NOTE,))
LEARNED = LearnedFusion(text=2.0, power=0.7)


@pytest.fixture(scope="module")
def silent(real_graph: CompiledGraph, public_cache: Path) -> DiagnosisService:
    choice = KnowledgeChoice(setting=Setting.PRIMARY_CARE)
    return DiagnosisService.load(public_cache, with_text=False, choice=choice)


@pytest.fixture(scope="module")
def learned() -> VersionContent:
    start = starting_version()
    files = {n: data for n, data in start.files.items() if n not in ("card.json", "manifest.json")}
    return pack_version(files, replace(start.version.card, fusion=LEARNED))


@pytest.fixture(scope="module")
def taught(silent: DiagnosisService, learned: VersionContent) -> DiagnosisService:
    return DiagnosisService.of_version(silent, learned)


def test_what_is_told_gives_the_differential_of_her_diagnosis(silent: DiagnosisService) -> None:
    start = starting_version()
    service = DiagnosisService.of_version(silent, start)
    told = SiteFusion(silent, start.labels, today=TODAY).beside(ASKED, MARFAN)
    assert told is not None
    weighed = service.weigh(ASKED)
    assert weighed.text is not None
    rows = {label: row for row, label in enumerate(start.labels)}
    summed, listed = told.of_labels(len(start.labels)), set(np.frombuffer(told.rows, np.int32).tolist())
    assert rows[MARFAN] in listed
    for disease in weighed.fused.best(100).tolist():
        row = rows.get(service.graph.disease_ids[disease], -1)
        if row >= 0 and row in listed:
            text = told.text_weight * weighed.text[disease]
            own = np.log(weighed.fused.probability[disease]) + weighed.fused.log_normaliser
            assert own == pytest.approx(summed[row] + text, abs=1e-3)


OWN_RULES = """
[sources.house]
name = "The house's own list"

[[constraint]]
id = "own-marfan"
title = "A constraint of the house"
diseases = ["OMIM:154700 Marfan syndrome"]
sex = "FEMALE"
effect = "lower far"
source = "house"
"""


def test_the_hospitals_own_rules_weigh_as_in_a_diagnosis(public_cache: Path, tmp_path: Path) -> None:
    own = tmp_path / "rules.toml"
    own.write_text(OWN_RULES, "utf-8")
    his, shares = replace(ASKED, sex=Sex.MALE), []
    labels = starting_version().labels
    for policy in (Policy(), Policy(rules_file=own)):
        told = SiteFusion.by_policy(policy, public_cache, labels, today=TODAY).beside(his, MARFAN)
        assert told is not None
        shares.append(told.of_labels(len(labels))[labels.index(MARFAN)])
    assert shares[0] - shares[1] == pytest.approx(np.log(1e4), abs=1e-3)


def test_nobody_is_told_of_without_a_finding_or_without_a_word(silent: DiagnosisService) -> None:
    fusion = SiteFusion(silent, starting_version().labels, today=TODAY)
    assert fusion.beside(Presentation(MARFANOID, ("  ",)), MARFAN) is None
    assert fusion.beside(Presentation((), (NOTE,)), MARFAN) is None
    assert fusion.beside(Presentation(parse_findings("-HP:0001249"), (NOTE,)), MARFAN) is None


def test_what_is_told_is_bounded_and_its_sum_is_whole() -> None:
    summed = np.random.default_rng(2).normal(size=2000)
    own = int(summed.argmin())
    rows = np.where(np.arange(2000) % 7 == 0, -1, np.arange(2000))
    told = beside_of(summed, rows, own=own, text_weight=0.4)
    assert len(told.rows) == len(told.shares) == 4 * (MOST_DISEASES + 1)
    assert len(beside_of(summed, rows, own=int(summed.argmax()), text_weight=0.4).rows) == 4 * MOST_DISEASES
    shares = np.frombuffer(told.shares, np.float32).astype(np.float64)
    assert np.exp(shares).sum() + np.exp(told.rest) == pytest.approx(np.exp(summed).sum(), rel=1e-5)


def test_each_label_is_led_by_one_that_leads_itself(silent: DiagnosisService) -> None:
    labels = starting_version().labels
    leaders = np.frombuffer(SiteFusion(silent, labels, today=TODAY).leaders, np.int32)
    rows = {label: row for row, label in enumerate(labels)}
    assert np.array_equal(leaders[leaders], leaders)
    assert leaders[rows["ORPHA:558"]] == rows[MARFAN] == leaders[rows[MARFAN]]


def test_a_diagnosis_weighs_what_was_learned_where_both_speak(
    silent: DiagnosisService, taught: DiagnosisService
) -> None:
    start = DiagnosisService.of_version(silent, starting_version())
    before, after = start.weigh(ASKED).fused, taught.weigh(ASKED).fused
    assert np.allclose(after.text_share, 1.4 * before.text_share)
    assert np.allclose(after.graph_share, 0.7 * before.graph_share)
    for one_sided in (Presentation(MARFANOID), Presentation(texts=(NOTE,))):
        assert np.array_equal(start.weigh(one_sided).fused.shown, taught.weigh(one_sided).fused.shown)
    weighed = start.weigh(ASKED)
    said = weighed.text
    both = [s.weight_of_next(weighed.scores, text=said, told=Told.NOTE) for s in (start, taught)]
    alone = [s.weight_of_next(weighed.scores) for s in (start, taught)]
    assert both[1] == pytest.approx(0.7 * both[0])
    assert alone[0] == alone[1]


def test_what_was_learned_counts_as_far_as_the_text_takes_her_for_a_taught_one(
    real_graph: CompiledGraph,
) -> None:
    shipped, other = FusionWeights.load(), real_graph.disease_ids[0]
    for share in (0.02, 0.1, 0.9):
        text = np.full(len(real_graph.disease_ids), np.nan)
        text[real_graph.disease_number(MARFAN)], text[0] = np.log(share), np.log(1 - share)
        own, strange = (
            learned_weights(shipped, replace(LEARNED, taught=(label, "OWN:1")), real_graph, text)
            for label in (MARFAN, other)
        )
        held = share**2 / (share**2 + 0.01)
        assert own.text == pytest.approx(shipped.text * 1.4**held)
        assert own.graph == pytest.approx(shipped.graph * 0.7**held)
        assert (own.graph < strange.graph) == (share > 0.5)
    assert learned_weights(shipped, None, real_graph, text) == shipped


def test_what_was_learned_is_in_the_versions_name_and_on_its_card(learned: VersionContent) -> None:
    start = starting_version()
    assert learned.version.version_id != start.version.version_id
    assert load_predictor(learned, find_encoder(None), provider="cpu").fusion == LEARNED
    assert "text x 2, power of the whole x 0.7" in card_markdown(learned.version)
    assert "| Weights beside the graph | as shipped |" in card_markdown(start.version)


def test_a_measured_note_is_fused_by_what_was_learned(real_graph: CompiledGraph) -> None:
    size, weights = len(real_graph.disease_ids), FusionWeights.load()
    rng = np.random.default_rng(4)
    graph, text = (rng.normal(size=size).astype(np.float32) for _ in range(2))
    truth = (DiseaseId(real_graph.disease_ids[0]),)
    note = KnownNote("", (), Sex.UNKNOWN, None, truth, SYNTHETIC)
    shown_as, both = np.arange(size), weights.learned(text=2.0, power=0.7)
    scored = ScoredNote(note, graph, graph, text, 3)
    before, after = ways_of(scored, weights, shown_as), ways_of(scored, weights, shown_as, both=both)
    for way in (TEXT, GRAPH):
        assert np.array_equal(before[way].probability, after[way].probability)
    assert not np.allclose(before[FUSED].probability, after[FUSED].probability)
    unread = ScoredNote(note, graph, graph, text, 0)
    one, other = ways_of(unread, weights, shown_as), ways_of(unread, weights, shown_as, both=both)
    assert np.array_equal(one[FUSED].probability, other[FUSED].probability)
