"""The demo: two synthetic hospitals go through the whole main job, and their updates make a new base.

Everything is real but the patients: two vaults, a DP-SGD run and an ONNX model at each site, signed
and sealed update files, an aggregated base that is checked and installed. Nobody's data is used.
"""

import queue
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.resources import files
from pathlib import Path

import numpy as np

from app.clinical.annotation import current_annotations
from app.config.policy import Policy
from app.errors import WorkerFailed
from app.store.clock import system_clock
from app.store.header import Role
from app.store.key_derivation import SMALLEST_MEMORY_KIB, KdfParameters, cost_for_this_machine
from app.store.patient_query import PatientFilter
from app.store.people import add_user
from app.store.vault import Vault
from app.workflows.apply_update import AppliedBase, ApplyPlan, apply_update
from app.workflows.diagnose import DiagnosisService
from app.workflows.exchange_updates import ExchangePlan, ExchangeReport, exchange_updates
from app.workflows.list_models import load_version
from app.workflows.measure_model import TopK, held_out_notes, measure_model
from app.workflows.plan_training import TrainingPlan
from app.workflows.publish_model import PROBE_COUNT
from app.workflows.run_site import SitePlan, SiteProgress, SiteReport, run_site
from app.workflows.write_hospital import choose_diseases
from app.workflows.write_notes import KnownNote
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId
from ml.registry.model_version import VersionContent

USER, OFFICER = "demo", "demo-officer"
PASSPHRASE, OFFICER_PASSPHRASE = "synthetic patients only", "only synthetic, officer"
DECLARED, SEEN = 60, 50


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """Where to work and how much; `quick` trades patients and steps for time."""

    folder: Path
    cache_dir: Path
    quick: bool = False
    epsilon: float = 3.0
    threads: int = 1
    seed: int = 20

    @property
    def north_patients(self) -> int:
        """The first site's synthetic patients."""
        return 300 if self.quick else 480

    @property
    def south_patients(self) -> int:
        """The second site's."""
        return 80 if self.quick else 300

    @property
    def probes(self) -> int:
        """Public texts on which each ONNX model is compared with torch."""
        return 42 if self.quick else PROBE_COUNT

    @property
    def held_out(self) -> int:
        """Synthetic patients that are in no vault."""
        return 40 if self.quick else 150

    def key_cost(self) -> KdfParameters:
        """What a guess at a passphrase costs; `quick` takes the least that a new vault may have."""
        return KdfParameters(SMALLEST_MEMORY_KIB) if self.quick else cost_for_this_machine()

    @property
    def spare_threads(self) -> int:
        """Of the smaller site: it trains while the larger one does, and has done before it."""
        return max(1, self.threads // 2)


@dataclass(slots=True)
class DemoSummary:
    """What the demo closes with. Shares from 0 to 1, times in seconds."""

    north: SiteReport
    south: SiteReport
    before: TopK
    after: TopK
    aggregated: TopK
    exchange: ExchangeReport
    applied_version: str
    provider: str
    diagnoses: list[dict[str, object]]
    ms_per_diagnosis: float
    vault: str
    seconds: dict[str, float] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)


def run_demo(plan: DemoPlan) -> Iterator[SiteProgress | DemoSummary]:
    """Yield progress and, last, the summary. `plan.folder` must be new or empty."""
    clock = _Clock()
    yield SiteProgress("knowledge", "reading the knowledge graph and the starting model")
    service = DiagnosisService.load(plan.cache_dir)
    declared, seen, held = _drawn(plan, service.graph)
    yield SiteProgress("before", f"the starting model on {len(held)} held-out synthetic patients")
    with ExitStack() as open_:
        aside = open_.enter_context(ThreadPoolExecutor(1))
        before = aside.submit(measure_model, service, held)
        sites = {site: open_.enter_context(vault) for site, vault in _new_vaults(plan)}
        clock.end("knowledge, start, vaults")
        reports = yield from _at_the_same_time(sites, _site_plans(plan, declared, seen), service)
        north = sites["north"]
        clock.end("two sites: import to publish")
        tuned = DiagnosisService.of_version(service, load_version(north, reports["north"].version_id))
        diagnoses, ms = _diagnose_waiting(north, tuned)
        yield SiteProgress("after", "the north's private model on the same held-out patients")
        after = aside.submit(measure_model, tuned, held)
        clock.end("diagnosis")
        exchange = yield from _exchanged(sites, plan)
        clock.end("updates")
        base = yield from _applied(north, plan, exchange)
        aggregated = measure_model(DiagnosisService.of_version(service, base), held)
        clock.end("aggregate installed")
    yield DemoSummary(
        north=reports["north"],
        south=reports["south"],
        before=before.result(),
        after=after.result(),
        aggregated=aggregated,
        exchange=exchange,
        applied_version=base.version.version_id,
        provider=tuned.provider,
        diagnoses=diagnoses,
        ms_per_diagnosis=ms,
        vault=str(plan.folder / "north.vault"),
        seconds=clock.seconds,
        written=[str(plan.folder / name) for name in ("north.vault", "south.vault", "updates")],
    )


def _drawn(plan: DemoPlan, graph: CompiledGraph) -> tuple[list[DiseaseId], list[DiseaseId], list[KnownNote]]:
    """The diseases that the sites declare, those that they see, and notes of these that no site has."""
    rng = np.random.default_rng(plan.seed)
    declared = choose_diseases(graph, DECLARED, rng)
    seen = sorted(declared[i] for i in rng.choice(DECLARED, SEEN, replace=False))
    return declared, seen, held_out_notes(graph, seen, count=plan.held_out, rng=rng)


def _new_vaults(plan: DemoPlan) -> Iterator[tuple[str, Vault]]:
    cost = plan.key_cost()
    for name in ("north", "south"):
        vault, _ = Vault.create(plan.folder / f"{name}.vault", user=USER, passphrase=PASSPHRASE, kdf=cost)
        add_user(vault, user=OFFICER, passphrase=OFFICER_PASSPHRASE, role=Role.PRIVACY_OFFICER, kdf=cost)
        yield name, vault


def _site_plans(
    plan: DemoPlan, declared: Sequence[DiseaseId], seen: Sequence[DiseaseId]
) -> dict[str, SitePlan]:
    counts = {"north": plan.north_patients, "south": plan.south_patients}
    return {
        name: SitePlan(
            name=name,
            count=counts[name],
            declared=declared,
            seen=seen,
            folder=plan.folder / f"{name}-records",
            cache_dir=plan.cache_dir,
            training=_training(plan, counts[name]),
            seed=plan.seed + number,
            extra_inputs=embedded_inputs() if name == "north" else (),
            probes=plan.probes,
            most_visits=1 if plan.quick else 2,
        )
        for number, name in enumerate(counts)
    }


def _at_the_same_time(
    sites: dict[str, Vault], plans: dict[str, SitePlan], service: DiagnosisService
) -> Generator[SiteProgress, None, dict[str, SiteReport]]:
    """Both hospitals, as in life; their progress in one stream, and the report of each."""
    reports: dict[str, SiteReport] = {}
    said: queue.Queue[SiteProgress | SiteReport | BaseException | None] = queue.Queue()
    threads = [
        threading.Thread(target=_say_all, args=(vault, plans[name], service, said), daemon=True)
        for name, vault in sites.items()
    ]
    for thread in threads:
        thread.start()
    running = len(threads)
    while running:
        word = said.get()
        if word is None:
            running -= 1
        elif isinstance(word, BaseException):
            raise word
        elif isinstance(word, SiteReport):
            reports[word.site] = word
        else:
            yield word
    return reports


def _say_all(
    vault: Vault,
    plan: SitePlan,
    service: DiagnosisService,
    said: "queue.Queue[SiteProgress | SiteReport | BaseException | None]",
) -> None:
    """A site's thread; what goes wrong is raised again in the demo's own."""
    try:
        for word in run_site(vault, plan, service):
            said.put(word)
    except BaseException as error:
        said.put(error)
    said.put(None)


def embedded_inputs() -> list[Path]:
    """FHIR files of our own making: a transaction bundle, a collection bundle and NDJSON."""
    folder = Path(str(files("resources") / "demo"))
    return sorted(p for p in folder.iterdir() if p.suffix in (".json", ".ndjson"))


def _training(plan: DemoPlan, patients: int) -> TrainingPlan:
    return TrainingPlan(
        target_epsilon=plan.epsilon,
        delta=1e-4,
        cap=2 * plan.epsilon,
        steps=40,
        sample_rate=0.5,
        expected_patients=round(0.9 * patients),
        block_steps=20,
        threads=plan.threads if patients == plan.north_patients else plan.spare_threads,
    )


def _diagnose_waiting(vault: Vault, service: DiagnosisService) -> tuple[list[dict[str, object]], float]:
    """The differential of each patient of the embedded files: the first line, and the time of each."""
    told: list[dict[str, object]] = []
    spent: list[float] = []
    for row in vault.patients(PatientFilter("DEMO-")):
        chart = vault.chart(row.id)
        marks = current_annotations(vault.annotation_events(row.id))
        begun = time.perf_counter()
        found = service.diagnose_chart(chart, marks, top=5, today=date.today())
        spent.append(time.perf_counter() - begun)
        first = found.lines[0]
        told.append(
            {
                "patient": row.name,
                "disease_id": first.disease_id,
                "name": first.name,
                "probability": round(first.probability, 4),
                "abstained": found.abstained,
            }
        )
    return told, 1000 * float(np.mean(spent)) if spent else 0.0


def _exchanged(sites: dict[str, Vault], plan: DemoPlan) -> Generator[SiteProgress, None, ExchangeReport]:
    yield SiteProgress("update", "export, verify, alter and aggregate the two sites' updates")
    where = ExchangePlan(plan.folder / "updates", OFFICER, OFFICER_PASSPHRASE, Policy())
    return exchange_updates(sites, where)


def _applied(
    vault: Vault, plan: DemoPlan, exchange: ExchangeReport
) -> Generator[SiteProgress, None, VersionContent]:
    """The aggregate, installed at one site."""
    how = ApplyPlan(
        at=system_clock(),
        cache_dir=plan.cache_dir,
        threads=plan.threads,
        probes=plan.probes,
    )
    if plan.quick:
        how = replace(how, notes_per_style=25, margin=0.08)
    applied: AppliedBase | None = None
    key = exchange.coordinator_key
    for word in apply_update(vault, Path(exchange.base_path), how, coordinator_key=key):
        if isinstance(word, AppliedBase):
            applied = word
        else:
            yield SiteProgress("apply", f"north: {word}")
    if applied is None:
        raise WorkerFailed("the export worker gave no model; try again")
    return load_version(vault, applied.version.version_id)


class _Clock:
    """How long each part took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.perf_counter()

    def end(self, part: str) -> None:
        """Close a part and begin the next."""
        now = time.perf_counter()
        self.seconds[part] = round(now - self._begun, 1)
        self._begun = now
