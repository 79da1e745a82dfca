"""Installs a coordinator's new base, once it has proved itself on public synthetic notes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from app.config.policy import Policy
from app.errors import WorkerFailed
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.export_classifier import ExportWorker
from app.workflows.find_base import (
    InstalledBase,
    base_from_file,
    installed_bases,
    remember_base,
    trusted_coordinator,
)
from app.workflows.inspect_update import read_base_file
from app.workflows.list_models import current_version
from app.workflows.measure_base import public_notes, top10_of
from app.workflows.publish_model import PROBE_COUNT, PublishPlan, publish_model
from knowledge_graph.graph.cache import load_compiled
from ml.errors import UpdateRefused
from ml.federated.base_file import BaseFile
from ml.federated.base_version import BaseVersion
from ml.inference.version_loading import version_tensors
from ml.registry.model_version import ModelVersion, VersionContent
from ml.registry.starting_model import starting_version
from ml.registry.training_result import PrivacyClaim, TrainingResult
from ml.text.encoder_files import EncoderFiles, find_encoder

MECHANISM = "aggregate of signed updates"


@dataclass(frozen=True, slots=True)
class ApplyPlan:
    """How to apply: the time to note, where caches lie, and how far top-10 may fall (0.03: three points)."""

    at: str
    cache_dir: Path
    threads: int = 2
    margin: float = 0.03
    notes_per_style: int = 150
    probes: int = PROBE_COUNT
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class AppliedBase:
    """The base now in use, and what was measured before."""

    version: ModelVersion
    base_id: str
    round: int
    measured: dict[str, float]


def apply_update(
    vault: Vault,
    path: Path,
    plan: ApplyPlan,
    *,
    coordinator_key: str | None = None,
    stop: Event | None = None,
) -> Iterator[str | AppliedBase]:
    """Yield lines of progress and, last, the applied base. A base that fails is refused; nothing changes.

    The coordinator's key, once given, is kept in the vault and asked for no more; another one is refused.
    A `stop` before the base is in use ends with nothing installed.
    """
    vault.require(Right.TRAIN)
    file = read_base_file(path, coordinator_key=_trusted_key(vault, coordinator_key))
    encoder = find_encoder()
    base = base_from_file(file, encoder)
    _check_order(vault, base)
    yield f"signature and content are right: base {base.base_id[:12]}, round {base.round}"
    measured: dict[str, float] = {}
    with ExportWorker(stop) as worker:  # it loads torch while the notes are read
        yield from _measure(vault, base, encoder, plan, measured)
        _check_measured(measured, plan)
        for report in publish_model(vault, _result(vault, file), _publish_plan(plan), worker=worker):
            if isinstance(report, ModelVersion):
                remember_base(vault, _installed(report, base), coordinator_key=coordinator_key)
                yield AppliedBase(report, base.base_id, base.round, measured)
                return
            yield report
    raise WorkerFailed("the export worker gave no model; try again")


def _trusted_key(vault: Vault, given: str | None) -> str:
    kept = trusted_coordinator(vault)
    if given is None and kept is None:
        raise UpdateRefused(
            "no coordinator is trusted yet; name the key they told you with --coordinator-key"
        )
    if given is not None and kept is not None and given.strip() != kept:
        raise UpdateRefused(
            "this vault trusts another coordinator's key; ask the privacy officer which is right"
        )
    return (given or kept or "").strip()


def _check_order(vault: Vault, base: BaseVersion) -> None:
    for known in installed_bases(vault):
        if known.base_id == base.base_id:
            raise UpdateRefused(
                f"this base is installed already; `anamnesis rollback --to {known.version_id[:12]}` uses it"
            )
        if known.round >= base.round:
            raise UpdateRefused(
                f"a base of round {known.round} is installed; this one is of round {base.round}"
            )


def _measure(
    vault: Vault, base: BaseVersion, encoder: EncoderFiles, plan: ApplyPlan, measured: dict[str, float]
) -> Iterator[str]:
    start, current = starting_version(), current_version(vault)
    notes = public_notes(load_compiled(plan.cache_dir), start.labels, per_style=plan.notes_per_style)
    yield f"reading {len(notes.texts)} public synthetic notes with the new base and with what is in use"
    sides = {"new base": base.whole} | {
        name: version_tensors(content, encoder) for name, content in _others(start, current).items()
    }
    for name, whole in sides.items():
        measured[name] = top10_of(whole, encoder, notes, threads=plan.threads)
        yield f"top-10 of the {name}: {measured[name]:.1%}"


def _others(start: VersionContent, current: VersionContent) -> dict[str, VersionContent]:
    """The versions a new base is held against; the starting one too, so that it can't sink step by step.

    A model in use that an earlier release began, with another list of diseases, can't be compared.
    """
    sides = {"starting model": start}
    if current.version.version_id != start.version.version_id and current.labels == start.labels:
        sides["model in use"] = current
    return sides


def _check_measured(measured: dict[str, float], plan: ApplyPlan) -> None:
    new = measured["new base"]
    name, best = max(((n, v) for n, v in measured.items() if n != "new base"), key=lambda pair: pair[1])
    if new < best - plan.margin:
        raise UpdateRefused(
            f"top-10 on public notes is {new:.1%} with this base and {best:.1%} with the {name}, a fall of "
            f"more than {plan.margin:.1%}; nothing was installed: rule out chance with "
            f"`anamnesis update apply --notes {4 * plan.notes_per_style}`, and if it falls there "
            "too, ask the coordinator"
        )


def _result(vault: Vault, file: BaseFile) -> TrainingResult:
    statement = file.statement
    known = {base.base_id: base.version_id for base in installed_bases(vault)}
    return TrainingResult(
        run_id=f"base-{file.base_id[:12]}",
        base_version=known.get(statement.base, starting_version().version.version_id),
        scope=f"federated base, round {statement.round}",
        tensors=file.payload,
        privacy=PrivacyClaim(epsilon=statement.epsilon, delta=statement.delta, mechanism=MECHANISM),
        data_description=f"{statement.method} of {len(statement.updates)} sites' signed updates",
    )


def _publish_plan(plan: ApplyPlan) -> PublishPlan:
    return PublishPlan(plan.at, plan.cache_dir, plan.threads, probes=plan.probes, policy=plan.policy)


def _installed(version: ModelVersion, base: BaseVersion) -> InstalledBase:
    return InstalledBase(version.version_id, base.base_id, base.round, base.epsilon, base.delta)
