"""Keeps what a private run needs to be taken up again, and takes it up: plan, base, sealed checkpoint.

What was debited counts as done, whether or not it ran: a run taken up again never passes its target.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from app.errors import UsageError, VaultError
from app.store.durable_file import reason_of, write_durably
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.list_models import load_version, result_store
from app.workflows.plan_training import TrainingPlan, declared_diseases, known_diseases
from app.workflows.training_curve import CurvePoint
from ml.registry.model_version import VersionContent
from ml.registry.training_result import TrainingResult

RESUME_SETTING = "training.resume"
CHECKPOINT = "training-checkpoint"
_LAST_CURVE = "training.curve"
_ENDING = ".checkpoint"


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One run, new or taken up again. `declared` are the diseases whose rows it trains, from its start on."""

    run_id: str
    plan: TrainingPlan
    base: VersionContent
    declared: tuple[str, ...]
    done_steps: int = 0
    noise_multiplier: float = 0.0
    state: bytes = b""
    curve: tuple[CurvePoint, ...] = ()


def begin_run(
    vault: Vault, plan: TrainingPlan, base: VersionContent, *, declare: Sequence[str] | None = None
) -> TrainingRun:
    """A new run from `base`, or the stopped one where the plan says so. Raises UsageError, PolicyError.

    A new one trains the diseases of `declare`, where there is such a list, in place of those declared before.
    """
    if declare is not None:
        vault.require(Right.PLAN)
        if plan.resume:
            raise UsageError("a run that is taken up keeps its own diseases; declare others for a new run")
    if not plan.resume:
        declared = declared_diseases(vault, base) if declare is None else known_diseases(declare, base)
        return TrainingRun(f"run-{uuid.uuid4().hex[:12]}", plan, base, declared)
    kept = vault.setting(RESUME_SETTING)
    if kept is None:
        raise UsageError("no stopped run waits to be taken up; start a new one")
    note = msgspec.json.decode(kept, type=_ResumeNote)
    sealed = vault.models_dir / f"{note.run_id}{_ENDING}"
    if not sealed.is_file():
        raise UsageError("the stopped run's checkpoint is gone; start a new run")
    return TrainingRun(
        run_id=note.run_id,
        plan=replace(note.plan, resume=True, threads=plan.threads, devices=plan.devices, device=plan.device),
        base=load_version(vault, note.base_version),
        declared=note.declared,
        done_steps=sum(e.steps for e in vault.ledger() if e.run_id == note.run_id),
        noise_multiplier=note.noise_multiplier,
        curve=note.curve,
        state=vault.unseal(CHECKPOINT, sealed.read_bytes()),
    )


def keep_checkpoint(vault: Vault, run: TrainingRun, state: bytes, noise_multiplier: float) -> None:
    """Seal the state under the vault's key, whole or not at all; an earlier stopped run is given up.

    Raises VaultError where the disk takes no more.
    """
    sealed = vault.seal(CHECKPOINT, state)
    try:
        write_durably(vault.models_dir / f"{run.run_id}{_ENDING}", sealed)
    except OSError as error:
        raise VaultError(
            f"the run's checkpoint can't be written ({reason_of(error)}). What was granted is spent; free "
            "space on the vault's disk, then take the run up again with --resume (from its last checkpoint; "
            "where it had none yet, start a new run)"
        ) from error
    note = _ResumeNote(
        run.run_id, run.plan, run.base.version.version_id, run.declared, noise_multiplier, run.curve
    )
    vault.set_setting(RESUME_SETTING, msgspec.json.encode(note).decode())
    _forget_files(vault, but=run.run_id)


def end_run(vault: Vault, run: TrainingRun, result: TrainingResult) -> None:
    """Keep the result for `publish`, then say that the run has finished: nothing is left to take up.

    In that order, so that the log tells of no result that a stop has kept from the disk; taken up again,
    such a run ends at once and spends nothing. Raises ModelFileError where the disk takes no more.
    """
    result_store(vault).put(result)
    left = {_LAST_CURVE: msgspec.json.encode(run.curve).decode(), RESUME_SETTING: None}
    said = f"epsilon {result.privacy.epsilon:.4g}"
    vault.set_settings(left, action="training-finished", record_id=run.run_id, detail=said)
    _forget_files(vault, but="")


def is_resumable(vault: Vault, run_id: str) -> bool:
    """Whether this run, stopped, can be taken up again."""
    kept = vault.setting(RESUME_SETTING)
    return kept is not None and msgspec.json.decode(kept, type=_ResumeNote).run_id == run_id


def kept_curve(vault: Vault) -> tuple[CurvePoint, ...]:
    """The points of the run that waits to be taken up, which goes on after them; else of the last one."""
    kept = vault.setting(RESUME_SETTING)
    if kept is not None:
        return msgspec.json.decode(kept, type=_ResumeNote).curve
    last = vault.setting(_LAST_CURVE)
    return () if last is None else msgspec.json.decode(last, type=tuple[CurvePoint, ...])


def _forget_files(vault: Vault, *, but: str) -> None:
    """Also what a crash left half written: it has an ending more."""
    for path in vault.models_dir.glob(f"*{_ENDING}*"):
        if path.name != f"{but}{_ENDING}":
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _ResumeNote:
    run_id: str
    plan: TrainingPlan
    base_version: str
    declared: tuple[str, ...]
    noise_multiplier: float
    curve: tuple[CurvePoint, ...] = ()
