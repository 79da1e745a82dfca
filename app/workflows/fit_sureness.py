"""Learns how sure the whole may be of a patient in her own words, and where common diseases count beforehand.

Fitted on what the program samples itself, with its own pack beside HPO: clinicians' notes of the pack's
conditions, and messages of patients. Cross-validated by disease. A power moves no disease past
another.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_notes import Outcome, Report, WayAccuracy, accuracy, outcome_of
from app.workflows.tell_messages import everyday_messages
from app.workflows.weighed import Presentation
from app.workflows.write_notes import FIT_STYLE, KnownNote, synthetic_notes
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fused_differential import FusedDifferential, fuse
from knowledge_graph.fusion.fusion_fitting import PooledCases, fit_sureness, raised
from knowledge_graph.fusion.fusion_weights import FusionWeights, Told
from knowledge_graph.fusion.setting_prior import setting_prior
from knowledge_graph.graph.arrays import Floats
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import DiseaseId

FOLDS = 5
UNCHANGED, CALIBRATED = "before", "calibrated"
_POWERS = "The powers, from message on:"
RARE, COMMON = (Setting.RARE_DISEASE_CLINIC,), (Setting.PRIMARY_CARE, Setting.EMERGENCY)
Progress = Callable[..., None]


@dataclass(frozen=True, slots=True)
class SurenessFit:
    """The weights with their powers; accuracies by power, from folds that had not seen their disease."""

    weights: FusionWeights
    notes: int
    held_out: Report


@dataclass(frozen=True, slots=True)
class _Pooled:
    """One patient in one setting: the sum of all shares but the rules', the true disease, where from."""

    summed: Floats
    truth: int
    source: str


def learn_sureness(
    service: DiagnosisService, weights: FusionWeights, *, count: int, seed: int, progress: Progress
) -> SurenessFit:
    """The powers of `weights`, each on up to `count` patients of the pack, and for the clinic also of HPO."""
    sampled = _Sampled(service, weights, count=count, seed=seed)
    powers, report, notes = dict[str, float](), Report(), 0
    for name, told, settings in (
        ("message", Told.MESSAGE, RARE),
        ("common_note", Told.NOTE, COMMON),
        ("common_message", Told.MESSAGE, COMMON),
    ):
        progress(f"learning how sure the whole may be: {name.replace('_', ' ')}")
        pooled = list(sampled.pooled(told, settings))
        powers[name] = fit_sureness(_cases(pooled, service.shown_as))
        report[name] = _cross_validated(pooled, service.shown_as)
        notes += len(pooled)
    return SurenessFit(replace(weights, **powers), notes, report)


def powers_remark(fit: SurenessFit) -> str:
    """Where the powers come from, as a line."""
    return f"{_POWERS} learned on {fit.notes} sampled notes and messages, the pack beside HPO."


def write_powers(path: Path, fit: SurenessFit) -> None:
    """Write the shipped weights with new powers; what they were learned on is told as it was."""
    shipped = files("resources.fusion").joinpath("weights.toml").read_text("utf-8")
    told = [line.removeprefix("# ") for line in shipped.splitlines() if line.startswith("# ")]
    remarks = [powers_remark(fit) if line.startswith(_POWERS) else line for line in told]
    path.write_text(fit.weights.to_text("\n".join(remarks)), "utf-8")


class _Sampled:
    def __init__(self, service: DiagnosisService, weights: FusionWeights, *, count: int, seed: int):
        graph = service.graph
        self._service, self._weights = service, weights
        self._count, self._seed = count, seed
        self._pack = [d for d in graph.disease_ids if d.split(":")[0] in graph.pack_spaces]
        self._rare = [d for d in graph.disease_ids if d.split(":")[0] not in graph.pack_spaces]

    def pooled(self, told: Told, settings: Sequence[Setting]) -> Iterator[_Pooled]:
        sources = {"pack": self._pack} | ({"HPO": self._rare} if settings == RARE else {})
        for purpose, (source, diseases) in enumerate(sources.items()):
            for note in self._notes(told, diseases, np.random.default_rng([self._seed, 10 + purpose])):
                for summed in self._sums(note, settings):
                    yield _Pooled(summed, self._service.graph.disease_number(note.truths[0]), source)

    def _notes(
        self, told: Told, diseases: Sequence[DiseaseId], rng: np.random.Generator
    ) -> Iterable[KnownNote]:
        graph, count = self._service.graph, self._count
        if told is not Told.MESSAGE:
            return synthetic_notes(graph, count=count, styles=(FIT_STYLE,), rng=rng, diseases=diseases)
        messages = everyday_messages(graph, count=count, rng=rng, diseases=diseases)
        return (m for m in messages if Presentation(texts=(m.text,)).told is told)

    def _sums(self, note: KnownNote, settings: Sequence[Setting]) -> Iterator[Floats]:
        service = self._service
        asked = service.presentation_of_text(note.text, sex=note.sex, age=note.age_days)
        weighed = service.weigh(asked)
        if not observed_count(asked.findings):
            return  # nothing is put forward
        for setting in settings:
            fused = fuse(
                weighed.scores.total,
                weighed.text,
                observed=observed_count(weighed.scores.findings),
                prior=setting_prior(service.graph, setting),
                weights=self._weights,
            )
            yield _summed(fused)


def _summed(fused: FusedDifferential) -> Floats:
    summed: Floats = (fused.graph_share + fused.text_share + fused.prior_share).astype(np.float32)
    return summed


def _cases(pooled: Sequence[_Pooled], shown_as: npt.NDArray[np.intp]) -> PooledCases:
    return PooledCases(
        np.stack([p.summed for p in pooled]),
        np.array([p.truth for p in pooled], np.int64),
        [p.source for p in pooled],
        shown_as,
    )


def _cross_validated(pooled: Sequence[_Pooled], shown_as: npt.NDArray[np.intp]) -> dict[str, WayAccuracy]:
    diseases = sorted({p.truth for p in pooled})
    fold = {disease: place % FOLDS for place, disease in enumerate(diseases)}
    before, after = list[Outcome](), list[Outcome]()
    for held in range(FOLDS):
        power = fit_sureness(_cases([p for p in pooled if fold[p.truth] != held], shown_as))
        for one in (p for p in pooled if fold[p.truth] == held):
            truth = [int(shown_as[one.truth])]
            before.append(outcome_of(raised(one.summed, 1.0, shown_as), truth))
            after.append(outcome_of(raised(one.summed, power, shown_as), truth))
    return {UNCHANGED: accuracy(before), CALIBRATED: accuracy(after)}
