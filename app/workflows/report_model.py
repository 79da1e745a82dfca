"""Measures a model version on public synthetic notes: the report that its card shows and its gates judge.

Always the same notes, in styles that nothing was fitted on, of patients who are in no vault; so a report
spends no privacy budget.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.config.model_gates import ReportGroup
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_notes import FUSED, TEXT, Outcome, outcome_of
from app.workflows.group_notes import group_labels
from app.workflows.list_models import load_version
from app.workflows.load_knowledge import KnowledgeChoice
from app.workflows.suggest_findings import read_findings
from app.workflows.write_notes import MEASURED_STYLES, KnownNote, synthetic_notes
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fused_differential import FusedDifferential, fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.fusion_weights import Told as ToldBy
from knowledge_graph.fusion.setting_prior import setting_prior
from knowledge_graph.ranking.rank import rank
from ml.evaluation.calibration import expected_calibration_error, reliability
from ml.evaluation.drift import jensen_shannon
from ml.evaluation.model_report import Drift, ModelReport, WayReport
from ml.evaluation.share import BoolArray, paired_difference, share_of
from ml.evaluation.subgroups import group_shares, opportunity_gap
from ml.registry.starting_model import starting_version

SEED = 20_250_116
REPORT_NOTES = 300
_AT_ONCE = 32
_SETTING = "models.report."

Told = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """How many notes, the site's own groups and knowledge, the time to note, and where caches lie."""

    at: str
    cache_dir: Path
    notes: int = REPORT_NOTES
    groups: tuple[ReportGroup, ...] = ()
    knowledge: KnowledgeChoice = field(default_factory=KnowledgeChoice)


@dataclass(slots=True)
class _Side:
    """What one model answered, note by note."""

    text: list[Outcome] = field(default_factory=list)
    fused: list[Outcome] = field(default_factory=list)
    answered: dict[str, list[bool]] = field(default_factory=lambda: {TEXT: [], FUSED: []})


@dataclass(slots=True)
class _Moved:
    """How far two models are apart, note by note."""

    same_first: list[bool] = field(default_factory=list)
    bits: list[float] = field(default_factory=list)


def report_model(vault: Vault, version_id: str, plan: ReportPlan) -> Iterator[str | ModelReport]:
    """Yield lines of progress and, last, the report, which is kept in the vault with the version."""
    vault.require(Right.TRAIN)
    start = starting_version()
    base = DiagnosisService.load(plan.cache_dir, provider="cpu", choice=plan.knowledge)
    measured = base
    if version_id != start.version.version_id:
        measured = DiagnosisService.of_version(base, load_version(vault, version_id))
    for report in measure_report(measured, base, plan):
        if isinstance(report, ModelReport):
            keep_report(vault, version_id, report)
        yield report


def keep_report(vault: Vault, version_id: str, report: ModelReport) -> None:
    """Keep a version's report in the place of an earlier one, audited."""
    vault.set_setting(
        _SETTING + version_id,
        report.to_json(),
        action="model.report",
        record_id=version_id,
        detail=f"{report.n} synthetic notes",
    )


def kept_report(vault: Vault, version_id: str) -> ModelReport | None:
    """The report kept of a version."""
    text = vault.setting(_SETTING + version_id)
    return ModelReport.from_json(text) if text else None


def measure_report(
    measured: DiagnosisService, start: DiagnosisService, plan: ReportPlan
) -> Iterator[str | ModelReport]:
    """The same without a vault. `measured` may be the starting model itself: it has no drift then."""
    rng = np.random.default_rng(SEED)
    notes = list(synthetic_notes(start.graph, count=plan.notes, styles=MEASURED_STYLES, rng=rng))
    sides = [measured] if measured is start else [measured, start]
    new, old, moved = _Side(), _Side(), _Moved()
    waiting, done = iter(notes), 0
    while batch := list(islice(waiting, _AT_ONCE)):
        rows = [side.text_rows([note.text for note in batch]) for side in sides]
        for place, note in enumerate(batch):
            _count(sides, note, [row[place] for row in rows], (new, old), moved)
        done += len(batch)
        yield f"read {done} of {len(notes)} synthetic notes"
    yield _report(measured, notes, plan, new, _drift(new, old, moved) if len(sides) == 2 else None)


def _count(
    services: Sequence[DiagnosisService],
    note: KnownNote,
    told: Sequence[Told],
    sides: Sequence[_Side],
    moved: _Moved,
) -> None:
    service = services[-1]
    findings = read_findings(service.recogniser, note.text, age_days=note.age_days)
    ranked = rank(service.graph, findings, sex=note.sex, age_days=note.age_days).total if findings else None
    truths = sorted({int(service.shown_as[service.graph.disease_number(t)]) for t in note.truths})
    shown = []
    for row, side, model in zip(told, sides, services, strict=False):
        alone = _alone(service, row, observed=observed_count(findings))
        fused = _fused(model, ranked, row, observed=observed_count(findings))
        for way, shown_by, outcomes in ((TEXT, alone, side.text), (FUSED, fused, side.fused)):
            outcomes.append(outcome_of(shown_by.shown, truths))
            side.answered[way].append(not shown_by.abstained)
        shown.append(fused.shown)
    if len(shown) == 2:
        moved.same_first.append(int(shown[0].argmax()) == int(shown[1].argmax()))
        moved.bits.append(jensen_shannon(shown[0], shown[1]))


def _alone(service: DiagnosisService, text: Told, *, observed: int) -> FusedDifferential:
    """The text model by itself, every disease as likely beforehand."""
    weights, even = FusionWeights.load(), np.ones(len(text))
    return fuse(None, text, observed=observed, prior=even, weights=weights, shown_as=service.shown_as)


def _fused(
    service: DiagnosisService, graph: npt.NDArray[np.floating] | None, text: Told, *, observed: int
) -> FusedDifferential:
    """What a clinician of the site is shown of a note: by its knowledge, in its setting."""
    weights = service.weights(None if graph is None else text)
    return fuse(
        graph,
        text,
        observed=observed,
        prior=setting_prior(service.graph, service.setting),
        weights=weights,
        shown_as=service.shown_as,
        sureness=weights.sureness(service.setting, ToldBy.NOTE),
    )


def _report(
    measured: DiagnosisService, notes: Sequence[KnownNote], plan: ReportPlan, side: _Side, drift: Drift | None
) -> ModelReport:
    assert measured.predictor is not None
    right = _within(side.fused, 10)
    labels = group_labels(measured.graph, notes, plan.groups)
    gaps = (opportunity_gap(attribute, groups, right) for attribute, groups in labels.items())
    nameable = np.isin(measured.graph.disease_ids, measured.predictor.labels)
    return ModelReport(
        version_id=measured.predictor.version,
        knowledge_version=measured.graph.version,
        data=f"{len(notes)} notes of synthetic patients in the styles {', '.join(MEASURED_STYLES)}, "
        f"ranked as in the setting {measured.setting.value}",
        n=len(notes),
        seed=SEED,
        ways=(_way(TEXT, side.text, side.answered[TEXT]), _way(FUSED, side.fused, side.answered[FUSED])),
        groups=tuple(
            g for attribute, groups in labels.items() for g in group_shares(attribute, groups, right)
        ),
        gaps=tuple(gap for gap in gaps if gap is not None),
        coverage=share_of(nameable),
        drift=drift,
        measured_at=plan.at,
    )


def _way(way: str, outcomes: Sequence[Outcome], answered: Iterable[bool]) -> WayReport:
    stated = np.array([o.stated for o in outcomes])
    right, spoke = np.array([o.right for o in outcomes], bool), np.array(list(answered), bool)
    return WayReport(
        way=way,
        top1=share_of(_within(outcomes, 1)),
        top3=share_of(_within(outcomes, 3)),
        top5=share_of(_within(outcomes, 5)),
        top10=share_of(_within(outcomes, 10)),
        answered=share_of(spoke),
        right_if_answered=share_of(right[spoke]),
        stated=float(stated.mean()),
        ece=expected_calibration_error(stated, right),
        reliability=reliability(stated, right),
    )


def _drift(new: _Side, old: _Side, moved: _Moved) -> Drift:
    return Drift(
        same_first=share_of(np.array(moved.same_first, bool)),
        divergence_bits=float(np.mean(moved.bits)),
        top1_change=paired_difference(_within(new.fused, 1), _within(old.fused, 1)),
        top10_change=paired_difference(_within(new.fused, 10), _within(old.fused, 10)),
    )


def _within(outcomes: Sequence[Outcome], k: int) -> BoolArray:
    return np.array([o.rank <= k for o in outcomes], bool)
