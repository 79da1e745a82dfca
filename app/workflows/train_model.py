"""Fine-tunes the model on the vault's labels with DP-SGD: the ledger is debited before each block.

The trainer is a process of its own that gets numbers, texts, labels and what the graph says by pipe. Epsilon,
delta and the cap are chosen before the run; a run that would pass the cap is refused before it starts.
Non-private training is not offered here.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from random import SystemRandom
from threading import Event
from typing import Any

import msgspec
import numpy as np

from app.config.policy import Policy
from app.config.settings import cache_dir
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.augment_findings import FindingTeller
from app.workflows.check_plan import PlannedRun, check_plan, check_total
from app.workflows.collect_examples import Example, Source, collect_examples, collect_notes
from app.workflows.find_conflicts import DiseaseNames
from app.workflows.list_models import current_version
from app.workflows.load_knowledge import KnowledgeChoice, load_graph
from app.workflows.plan_training import (
    TrainingPlan,
    check_budget,
    check_teachers,
    choose_cap,
    completed,
    declare_diseases,
    keep_cap,
)
from app.workflows.resume_training import RESUME_SETTING as RESUME_SETTING
from app.workflows.resume_training import TrainingRun, begin_run, end_run, keep_checkpoint
from app.workflows.site_fusion import SiteFusion
from app.workflows.stop_wish import StopWish
from app.workflows.synthetic_notes import HELD_OUT_STYLES
from app.workflows.tell_messages import public_messages
from app.workflows.trainer_process import TrainerProcess
from app.workflows.training_curve import (
    CurvePoint,
    blocks_between,
    knowledge_of,
    told_speed,
    validation_notes,
)
from app.workflows.write_notes import public_texts, synthetic_notes
from knowledge_graph.cohort.note_style import read_note_styles
from knowledge_graph.graph.cache import load_compiled
from ml.privacy.ledger import MECHANISM, LedgerEntry, mechanisms, of_patients, spent
from ml.registry.model_version import TENSORS_FILE, VersionContent
from ml.registry.training_result import LearnedFusion, PrivacyClaim, TrainingResult
from ml.training.messages import MLM, TOLD_BLOCKS, TrainingJob, TrainingPatient
from ml.training.start_rightness import rightness_looks

PATIENT_SET = "all patients of this vault"
PUBLIC_NOTES, PUBLIC_SEED = 200, 7


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """Where a run is. Nothing here comes from the patients but what the ledger makes public.

    `share` (0 to 1) is how much of the charts is read in the phase `preparing`, of a long run planned in
    `planning`; the former tells no more than how many there are, which who trains may know.
    """

    run_id: str
    phase: str
    step: int = 0
    steps: int = 0
    epsilon: float = 0.0
    steps_per_second: float = 0.0
    eta_s: float = 0.0
    share: float = 0.0


def train_model(
    vault: Vault,
    plan: TrainingPlan,
    *,
    declare: Sequence[str] | None = None,
    stop: Event | None = None,
    pause: Event | None = None,
    policy: Policy | None = None,
) -> Generator[TrainingProgress | CurvePoint | TrainingResult, None, None]:
    """Yield progress, new points of the curve and, last, the result (kept sealed for `publish`).

    Raises BudgetExceeded, UsageError. `declare` are the diseases that the site treats from this run on.
    `stop` ends the run within a second and loses the block under way; `pause` ends it after that block.
    """
    vault.require(Right.TRAIN)
    whole, wish = completed(plan), StopWish(stop or Event(), pause or Event())
    cap = choose_cap(vault, whole, policy or Policy())
    run = begin_run(vault, whole, current_version(vault), declare=declare)
    entries = of_patients(vault.ledger(), PATIENT_SET)
    check_budget(vault, run.plan, entries, cap)
    check_teachers(vault, run.plan)
    now = TrainingProgress(run.run_id, "preparing", steps=run.plan.steps, epsilon=spent(entries))
    yield now
    fusion, examples = _site_fusion(run, policy or Policy()), list[Example]()
    for told in _examples(vault, run, wish, fusion):
        if isinstance(told, float):
            yield replace(now, share=told)
        else:
            examples = told
    if wish.is_set():
        yield _stopped(vault, run, run.done_steps)
        return
    with TrainerProcess() as trainer:
        trainer.start(_job(run, entries, fusion), _patients(examples, run.base))
        planned = yield from _agreed(vault, run, trainer, wish, cap)
        if planned is None:
            yield _stopped(vault, run, run.done_steps)
            return
        keep_cap(vault, whole)  # a run that is refused leaves none, and declares nothing
        if declare is not None:
            declare_diseases(vault, run.declared)
        yield from _follow(vault, run, trainer, wish, planned)


def _site_fusion(run: TrainingRun, policy: Policy) -> SiteFusion | None:
    """The site's knowledge beside the texts, where a run looks at what both may weigh."""
    if run.plan.scope != "head":
        return None
    return SiteFusion.by_policy(policy, cache_dir(), run.base.labels, today=date.today())


def _examples(
    vault: Vault, run: TrainingRun, wish: StopWish, fusion: SiteFusion | None
) -> Iterator[float | list[Example]]:
    """How much of the charts is read; last what the trainer learns from."""
    random = SystemRandom()
    if run.plan.task == MLM:
        return collect_notes(vault, shuffle=random.shuffle, stop=wish)
    graph = load_compiled(cache_dir())
    source = Source(
        FindingTeller(graph, random.randrange),
        run.plan.with_coded,
        run.plan.copies,
        fusion.beside_chart if fusion else None,
        DiseaseNames(graph).one,
    )
    return collect_examples(vault, run.declared, source=source, shuffle=random.shuffle, stop=wish)


def _public(run: TrainingRun) -> tuple[str, ...]:
    """Synthetic notes, where what is trained begins from some."""
    if run.plan.task == MLM:
        return public_notes()
    return public_texts(knowledge_of(run.declared), run.declared) if run.plan.scope == "head" else ()


def _messages(run: TrainingRun) -> tuple[str, ...]:
    """How people with common conditions write, where the rows of a head may be made from directions."""
    if run.plan.most_noise <= 0 or not rightness_looks(run.plan.steps):
        return ()
    return public_messages(load_graph(cache_dir(), KnowledgeChoice()))


def _job(run: TrainingRun, entries: tuple[LedgerEntry, ...], fusion: SiteFusion | None) -> TrainingJob:
    plan = run.plan
    places = {str(label): row for row, label in enumerate(run.base.labels)}
    return TrainingJob(
        scope=plan.scope,
        tensors=run.base.files[TENSORS_FILE],
        labels=run.base.labels,
        declared=tuple(places[d] for d in run.declared),
        target_epsilon=plan.target_epsilon,
        delta=plan.delta,
        sample_rate=plan.sample_rate,
        steps=plan.steps,
        block_steps=plan.block_steps,
        max_grad_norm=plan.max_grad_norm,
        learning_rate=plan.learning_rate,
        expected_batch=plan.sample_rate * plan.expected_patients,
        history=mechanisms(entries),
        threads=plan.threads,
        resume_from=run.state,
        done_steps=run.done_steps,
        noise_multiplier=run.noise_multiplier,
        optimizer=plan.optimizer,
        weight_decay=plan.weight_decay,
        schedule=plan.schedule,
        dropout=plan.dropout,
        clipping=plan.clipping,
        backend=plan.backend,
        task=plan.task,
        devices=plan.devices,
        device=plan.device,
        public_texts=_public(run),
        public_messages=_messages(run),
        most_noise=plan.most_noise,
        validation=validation_notes(run.declared, places),
        validate_blocks=blocks_between(plan),
        leaders=fusion.leaders if fusion else b"",
    )


def learned_from(plan: TrainingPlan) -> str:
    """What the result and its card say of the data: whose word the labels are, and what was told beside."""
    if plan.task == MLM:
        return "notes of one hospital's patients without their labels (masked language modelling)"
    labels = "confirmed diagnoses and the records' own codes" if plan.with_coded else "confirmed diagnoses"
    told = f"; findings told {plan.copies} times more in other words" if plan.copies else ""
    return f"{labels}, with notes of one hospital's patients{told}"


def public_notes() -> tuple[str, ...]:
    """Synthetic notes that anybody can write; the decoder of hidden words is fitted on them."""
    styles = [style.name for style in read_note_styles() if style.name not in HELD_OUT_STYLES]
    rng = np.random.default_rng(PUBLIC_SEED)
    graph = load_compiled(cache_dir())
    return tuple(n.text for n in synthetic_notes(graph, count=PUBLIC_NOTES, styles=styles, rng=rng))


def _patients(examples: list[Example], base: VersionContent) -> list[TrainingPatient]:
    places = {label: row for row, label in enumerate(base.labels)}
    return [TrainingPatient(e.number, e.texts, places.get(e.disease_id, -1), e.beside) for e in examples]


def _agreed(
    vault: Vault, run: TrainingRun, trainer: TrainerProcess, wish: StopWish, cap: float
) -> Generator[TrainingProgress, None, PlannedRun | None]:
    """The plan, when it keeps the cap and the trainer has read every note; None once a stop is wished."""
    planned = yield from _planned(vault, run, trainer, wish)
    if planned is None:
        return None
    check_total(run.plan, planned, cap)
    yield TrainingProgress(run.run_id, "reading", run.done_steps, run.plan.steps, _spent(vault))
    ready = trainer.receive(wish)  # a stop or a failure while it reads costs nothing
    return None if ready is None else planned


def _planned(
    vault: Vault, run: TrainingRun, trainer: TrainerProcess, wish: StopWish
) -> Generator[TrainingProgress, None, PlannedRun | None]:
    """The trainer's plan, checked; None once a stop is wished. Each is half of the planning."""
    now = TrainingProgress(run.run_id, "planning", run.done_steps, run.plan.steps, _spent(vault))
    yield now
    while (frame := trainer.receive(wish)) is not None and frame["kind"] == "planning":
        yield replace(now, share=float(frame["share"]) / 2)
    if frame is None:
        return None
    planned = PlannedRun(float(frame["noise_multiplier"]), tuple(float(e) for e in frame["epsilons"]))
    history = mechanisms(of_patients(vault.ledger(), PATIENT_SET))
    shares = check_plan(run.plan, planned, history, left=run.plan.steps - run.done_steps)
    for block, share in enumerate(shares, start=1):
        if wish.is_set():
            return None
        if block % TOLD_BLOCKS == 0:
            yield replace(now, share=(1 + share) / 2)
    return planned


def _follow(
    vault: Vault, run: TrainingRun, trainer: TrainerProcess, wish: StopWish, planned: PlannedRun
) -> Iterator[TrainingProgress | CurvePoint | TrainingResult]:
    """Debit, grant, report, keep; until the result or a stop."""
    stop, noise, done = wish.at_once, planned.noise, run.done_steps
    before, speed = _spent(vault), 0.0
    for epsilon in planned.epsilons:
        if wish.is_set():
            break
        size = min(run.plan.block_steps, run.plan.steps - done)
        vault.append_ledger(_entry(run, noise, size, epsilon))  # on disk before the steps run
        trainer.grant()
        while (frame := trainer.receive(stop)) is not None and frame["kind"] != "checkpoint":
            if frame["kind"] == "validated":
                point = _point(frame, epsilon if frame["step"] else before, speed)
                run = replace(run, curve=(*run.curve, point))
                yield point
            else:
                speed = float(frame["steps_per_second"])
                yield _progress(run, frame)
        if frame is None:
            break
        done = int(frame["step"])
        keep_checkpoint(vault, run, frame["state"], noise)
    final = trainer.receive(stop) if done == run.plan.steps else None
    if final is None:
        yield _stopped(vault, run, done)
        return
    yield _finish(vault, run, final, noise)


def _stopped(vault: Vault, run: TrainingRun, done: int) -> TrainingProgress:
    return TrainingProgress(run.run_id, "stopped", done, run.plan.steps, spent(vault.ledger()))


def _entry(run: TrainingRun, noise: float, steps: int, epsilon: float) -> LedgerEntry:
    from app.store.clock import system_clock

    plan = run.plan
    return LedgerEntry(
        run_id=run.run_id,
        patient_set=PATIENT_SET,
        mechanism=MECHANISM,
        sample_rate=plan.sample_rate,
        noise_multiplier=noise,
        max_grad_norm=plan.max_grad_norm,
        steps=steps,
        delta=plan.delta,
        epsilon_after=epsilon,
        at=system_clock(),
        task=plan.task,
    )


def _progress(run: TrainingRun, frame: dict[str, Any]) -> TrainingProgress:
    speed, step = float(frame["steps_per_second"]), int(frame["step"])
    eta = (run.plan.steps - step) / speed if speed > 0 else 0.0
    return TrainingProgress(run.run_id, "training", step, run.plan.steps, float(frame["epsilon"]), speed, eta)


def _point(frame: dict[str, Any], epsilon: float, speed: float) -> CurvePoint:
    top1, top10, loss = (float(frame[name]) for name in ("top1", "top10", "loss"))
    return CurvePoint(int(frame["step"]), epsilon, top1, top10, loss, told_speed(speed))


def _spent(vault: Vault) -> float:
    return spent(of_patients(vault.ledger(), PATIENT_SET))


def _finish(vault: Vault, run: TrainingRun, final: dict[str, Any], noise: float) -> TrainingResult:
    plan, fusion = run.plan, final["fusion"]
    result = TrainingResult(
        run_id=run.run_id,
        base_version=run.base.version.version_id,
        scope=plan.scope,
        tensors=final["tensors"],
        fusion=None if fusion is None else msgspec.convert(fusion, LearnedFusion),
        privacy=PrivacyClaim(
            epsilon=_spent(vault),
            delta=plan.delta,
            mechanism=MECHANISM,
            sample_rate=plan.sample_rate,
            noise_multiplier=noise,
            max_grad_norm=plan.max_grad_norm,
            steps=plan.steps,
        ),
        data_description=learned_from(plan),
    )
    end_run(vault, run, result)
    return result
