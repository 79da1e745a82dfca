"""A version is measured on public notes, its report kept; the policy's gates decide whether it is used."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.config.model_gates import ModelGates, ReportGroup
from app.config.policy import Policy, load_policy
from app.errors import PolicyError
from app.store.vault import Vault
from app.workflows.check_gates import measured_as_asked, missed_gates
from app.workflows.describe_report import full_card
from app.workflows.group_notes import age_band, group_labels
from app.workflows.list_models import current_version, model_store
from app.workflows.load_knowledge import KnowledgeChoice, site_knowledge
from app.workflows.promote_model import Promotion, must_have_passed, promote
from app.workflows.report_model import ReportPlan, keep_report, kept_report, report_model
from app.workflows.roll_back import roll_back
from app.workflows.write_notes import SYNTHETIC, KnownNote
from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId, TermId
from ml.errors import ModelFileError
from ml.evaluation.model_report import ModelReport
from ml.inference.graph_template import GraphTemplate, assemble
from ml.inference.version_loading import merged_tensors
from ml.registry.model_version import (
    CARD_FILE,
    MANIFEST_FILE,
    TENSORS_FILE,
    VersionContent,
    pack_version,
)
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.text.encoder_files import find_encoder
from tests.app.workflows.training_site import empty_vault

NOTES = 24
LOOSE, STRICT = Policy(gates=ModelGates(notes=NOTES)), Policy(gates=ModelGates(notes=NOTES, min_top1=0.2))
HEART = ReportGroup("heart", terms=("HP:0001626",))


def stubborn() -> VersionContent:
    """A version that names one disease whatever it reads."""
    start = starting_version()
    tensors = read_tensors(start.files[TENSORS_FILE])
    tensors["head.bias"] = tensors["head.bias"] + 0
    tensors["head.bias"][7] += 400
    files = {n: d for n, d in start.files.items() if n not in (CARD_FILE, MANIFEST_FILE)}
    files[TENSORS_FILE] = write_tensors(tensors)
    whole = merged_tensors(find_encoder(), read_tensors(files[TENSORS_FILE]))
    sha256 = {
        precision: hashlib.sha256(assemble(GraphTemplate.from_bytes(graph), whole)).hexdigest()
        for precision, graph in start.graphs.items()
    }
    return pack_version(files, replace(start.version.card, title="stubborn", onnx_sha256=sha256))


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with empty_vault(tmp_path / "site.vault") as made:
        yield made


def measured(
    vault: Vault, cache: Path, version_id: str, knowledge: KnowledgeChoice | None = None
) -> ModelReport:
    plan = ReportPlan("2025-01-01", cache, NOTES, (HEART,), knowledge or KnowledgeChoice())
    *_, report = report_model(vault, version_id, plan)
    assert isinstance(report, ModelReport)
    return report


@pytest.mark.slow
def test_a_bad_version_is_measured_kept_and_not_put_to_use(vault: Vault, public_cache: Path) -> None:
    bad = stubborn()
    name = bad.version.version_id
    model_store(vault).add(bad)
    with pytest.raises(PolicyError, match=r"never measured; run `anamnesis models --report"):
        roll_back(vault, at="2025-01-01", to=name, policy=STRICT)
    with pytest.raises(
        PolicyError, match=r"kept but not put to use: top-1 is 0.0%, below 20.0% .gates of this hospital"
    ):
        list(promote(vault, name, Promotion("2025-01-02", public_cache, STRICT), reason="publish"))
    assert current_version(vault).version == starting_version().version
    with pytest.raises(PolicyError, match="top-1 is"):
        roll_back(vault, at="2025-01-03", to=name, policy=STRICT)
    report = kept_report(vault, name)
    assert report is not None
    assert (report.n, report.version_id) == (NOTES, name)
    assert report.drift is not None
    assert report.drift.same_first.value < 0.5
    assert report.ways[0].top1.value == 0
    assert [e.action for e in vault.audit_events(3)][:2] == ["model.gates", "model.report"]
    roll_back(vault, at="2025-01-04", to=name, policy=LOOSE)
    assert current_version(vault).version == bad.version
    roll_back(vault, at="2025-01-05", to="starting", policy=STRICT)
    roll_back(vault, at="2025-01-06", to=name, policy=STRICT)  # it was in use before: the way back is free


@pytest.mark.slow
def test_the_starting_models_report_says_how_good_how_true_and_for_whom(
    vault: Vault, public_cache: Path
) -> None:
    start = starting_version().version
    report = measured(vault, public_cache, start.version_id)
    assert report.drift is None
    for way in report.ways:
        assert way.top1.value <= way.top3.value <= way.top5.value <= way.top10.value
        assert sum(b.count for b in way.reliability) == NOTES
        assert way.top1.low <= way.top1.value <= way.top1.high
    for attribute in ("sex", "age", "heart"):
        assert sum(g.share.n for g in report.groups if g.attribute == attribute) == NOTES
    assert report.coverage.value > 0.99
    assert STRICT.gates is not None
    assert missed_gates(report, STRICT.gates) == ()
    assert kept_report(vault, start.version_id) == report
    card = full_card(start, report)
    assert card.startswith("---\n")
    for words in ("## Intended use", "synthetic", "equal opportunity", "came true"):
        assert words.lower() in card.lower()


@pytest.mark.slow
def test_a_report_is_of_the_knowledge_and_the_setting_that_the_site_chose(
    vault: Vault, public_cache: Path
) -> None:
    start = starting_version().version.version_id
    policy = Policy(common_pack=True, setting="emergency")
    clinic, emergency = (
        measured(vault, public_cache, start, site_knowledge(chosen)) for chosen in (Policy(), policy)
    )
    bare = measured(vault, public_cache, start, site_knowledge(Policy(common_pack=False)))
    assert bare.coverage.n < clinic.coverage.n == emergency.coverage.n
    assert "setting emergency" in emergency.data
    text, fused = ([report.ways[way] for report in (clinic, emergency)] for way in (0, 1))
    assert text[0].top10 == text[1].top10
    assert fused[0].stated != fused[1].stated  # what is common there counts more beforehand


def test_gates_are_judged_one_by_one(vault: Vault) -> None:
    report = ModelReport.from_json(json.dumps(_REPORT))
    assert (
        missed_gates(report, ModelGates(notes=100, min_top1=0.3, min_top10=0.5, max_ece=0.1, max_gap=0.2))
        == ()
    )
    for gates, said in (
        (ModelGates(notes=101), "reads 100 notes"),
        (ModelGates(notes=100, min_top1=0.41), "top-1 is 40.0%"),
        (ModelGates(notes=100, min_top10=0.61), "top-10 is 60.0%"),
        (ModelGates(notes=100, max_ece=0.04), "calibration error is 0.050"),
        (ModelGates(notes=100, max_gap=0.05), "gap by sex is 20.0%"),
        (ModelGates(notes=100, max_fall=0.01), "falls by 2.0%"),
    ):
        (missed,) = missed_gates(report, gates)
        assert said in missed
    few = _REPORT | {"groups": [{"attribute": "heart", "group": "in it", "share": _share(0.5)}]}
    unmeasured = ModelReport.from_json(json.dumps(few))
    (missed,) = missed_gates(unmeasured, ModelGates(notes=100, max_gap=0.2))
    assert "gap by heart can't be measured" in missed
    assert missed_gates(unmeasured, ModelGates(notes=100)) == ()
    with pytest.raises(ModelFileError, match="measure the model again"):
        ModelReport.from_json("{}")


def test_a_report_from_before_the_policy_asked_for_more_opens_no_gate(vault: Vault) -> None:
    report = ModelReport.from_json(json.dumps(_REPORT))
    keep_report(vault, report.version_id, report)
    asked = Policy(gates=ModelGates(notes=100))
    must_have_passed(vault, report.version_id, asked)
    assert measured_as_asked(report, asked)
    for policy in (Policy(gates=ModelGates(notes=101)), replace(asked, report_groups=(HEART,))):
        assert not measured_as_asked(report, policy)
        with pytest.raises(PolicyError, match="as it does now; run `anamnesis models --report aaaaaaaaaaaa`"):
            must_have_passed(vault, report.version_id, policy)


def test_the_policy_file_names_gates_and_groups_or_stops_the_program(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('[gates]\nmin_top10 = 0.4\n[[report_groups]]\nname = "heart"\nterms = ["HP:0001626"]\n')
    policy = load_policy(path)
    assert policy.gates == ModelGates(min_top10=0.4)
    assert policy.report_groups == (HEART,)
    path.write_text("[gates]\nmin_top10 = 40\n")
    with pytest.raises(PolicyError, match="min_top10"):
        load_policy(path)


def test_patients_fall_into_sex_age_band_and_the_sites_groups(real_graph: CompiledGraph) -> None:
    murmur = Finding(TermId("HP:0030148"))
    boy = KnownNote("", (murmur,), Sex.MALE, 365 * 10, (DiseaseId("OMIM:154700"),), SYNTHETIC)
    woman = KnownNote("", (), Sex.FEMALE, None, (DiseaseId("OMIM:1"),), SYNTHETIC)
    groups = [HEART, ReportGroup("boys", sex="male", below_age=18), ReportGroup("rare", diseases=("OMIM:1",))]
    assert group_labels(real_graph, [boy, woman], groups) == {
        "sex": ["male", "female"],
        "age": ["2 to 17", "not known"],
        "heart": ["in it", "not"],
        "boys": ["in it", "not"],
        "rare": ["not", "in it"],
    }
    assert [age_band(int(years * 366)) for years in (0, 1.5, 2, 17, 18, 64, 65, 110)] == [
        "under 2",
        "under 2",
        "2 to 17",
        "2 to 17",
        "18 to 64",
        "18 to 64",
        "65 and over",
        "65 and over",
    ]


def _share(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 100}


_WAY = {
    "way": "fused",
    "top1": _share(0.4),
    "top3": _share(0.5),
    "top5": _share(0.55),
    "top10": _share(0.6),
    "answered": _share(0.9),
    "right_if_answered": _share(0.45),
    "stated": 0.42,
    "ece": 0.05,
    "reliability": [],
}
_REPORT = {
    "version_id": "a" * 64,
    "knowledge_version": "2025-01-16",
    "data": "100 notes",
    "n": 100,
    "seed": 1,
    "ways": [_WAY],
    "groups": [],
    "gaps": [{"attribute": "sex", "best": "a", "worst": "b", "value": 0.2, "low": 0.1, "high": 0.3}],
    "coverage": _share(1.0),
    "drift": {
        "same_first": _share(0.8),
        "divergence_bits": 0.1,
        "top1_change": [-0.01, -0.03, 0.01],
        "top10_change": [-0.02, -0.04, 0.0],
    },
}
