"""Takes one synthetic site through the main job: import, annotate, train privately, publish."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.errors import WorkerFailed
from app.store.clock import system_clock
from app.store.vault import Vault
from app.workflows.annotate_synthetic import annotate_synthetic
from app.workflows.diagnose import DiagnosisService
from app.workflows.export_classifier import ExportWorker
from app.workflows.import_records import ImportReport, import_records
from app.workflows.plan_training import TrainingPlan, declare_diseases
from app.workflows.publish_model import PROBE_COUNT, PublishPlan, publish_model, waiting_result
from app.workflows.train_model import TrainingProgress, train_model
from app.workflows.write_hospital import HospitalPlan, sample_hospital, write_hospital
from knowledge_graph.terms.term import DiseaseId
from ml.registry.model_version import ModelVersion
from ml.registry.training_result import PrivacyClaim


@dataclass(frozen=True, slots=True)
class SitePlan:
    """One site: its name, how many patients, which diseases it declares and sees, and the run's numbers."""

    name: str
    count: int
    declared: Sequence[DiseaseId]
    seen: Sequence[DiseaseId]
    folder: Path
    cache_dir: Path
    training: TrainingPlan
    seed: int
    extra_inputs: Sequence[Path] = ()
    leave: int = 20
    probes: int = PROBE_COUNT
    most_visits: int = 2


@dataclass(frozen=True, slots=True)
class SiteProgress:
    """What is being done, and how far it is (0 to 1)."""

    stage: str
    text: str
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What a site's run made of its patients. Times in seconds by stage."""

    site: str
    imported: dict[str, int]
    records_added: int
    deeds: dict[str, int]
    privacy: PrivacyClaim
    version_id: str
    seconds: dict[str, float] = field(default_factory=dict)


def run_site(vault: Vault, plan: SitePlan, service: DiagnosisService) -> Iterator[SiteProgress | SiteReport]:
    """Yield progress and, last, the report. The vault is left open."""
    clock = _Stages()
    rng = np.random.default_rng([plan.seed, plan.count])
    yield SiteProgress("sample", f"{plan.name}: {plan.count} synthetic patients")
    hospital = sample_hospital(service.graph, _hospital_plan(plan), rng=rng)
    write_hospital(hospital, plan.folder / "fhir")
    clock.end("sample")
    report = ImportReport()
    for step in import_records(vault, [plan.folder / "fhir", *plan.extra_inputs]):
        if isinstance(step, ImportReport):
            report = step
        else:
            yield SiteProgress("import", f"{plan.name}: {step.file}", step.files_done / max(step.files, 1))
    clock.end("import")
    deeds: dict[str, int] = {}
    for done in annotate_synthetic(vault, hospital, service.graph, service.recogniser, leave=plan.leave):
        deeds = done.deeds
        yield SiteProgress(
            "annotate", f"{plan.name}: notes of {done.done} patients", done.done / done.patients
        )
    clock.end("annotate")
    declare_diseases(vault, [str(d) for d in plan.declared])
    with ExportWorker() as worker:  # it loads torch while the trainer reads the notes
        for trained in train_model(vault, plan.training):
            if isinstance(trained, TrainingProgress):
                share = trained.step / max(trained.steps, 1)
                yield SiteProgress("train", _training_line(plan.name, trained), share)
        clock.end("train")
        for published in publish_model(vault, waiting_result(vault), _publish_plan(plan), worker=worker):
            if isinstance(published, ModelVersion):
                clock.end("publish")
                yield _report(plan, published, report, deeds, clock.seconds)
                return
            yield SiteProgress("publish", f"{plan.name}: {published}")
    raise WorkerFailed("the export worker gave no model; try again")


def _report(
    plan: SitePlan,
    version: ModelVersion,
    report: ImportReport,
    deeds: dict[str, int],
    seconds: dict[str, float],
) -> SiteReport:
    return SiteReport(
        site=plan.name,
        imported=dict(report.imported),
        records_added=report.added,
        deeds=deeds,
        privacy=version.card.privacy,
        version_id=version.version_id,
        seconds=seconds,
    )


def _hospital_plan(plan: SitePlan) -> HospitalPlan:
    return HospitalPlan(plan.name, tuple(plan.seen), plan.count, plan.most_visits)


def _training_line(name: str, step: TrainingProgress) -> str:
    """Every tenth step gets a line of its own; the same line twice is printed once."""
    reached = step.step - step.step % 10
    return f"{name}: {step.phase}, step {reached} of {step.steps}, epsilon {step.epsilon:.2f}"


def _publish_plan(plan: SitePlan) -> PublishPlan:
    return PublishPlan(
        at=system_clock(), cache_dir=plan.cache_dir, threads=plan.training.threads, probes=plan.probes
    )


class _Stages:
    """How long each stage took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.perf_counter()

    def end(self, stage: str) -> None:
        """Close a stage and begin the next."""
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._begun, 2)
        self._begun = now
