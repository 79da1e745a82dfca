"""Private training on a real vault with the real trainer: debited first, pseudonymous, stoppable."""

import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from safetensors.numpy import load

from app.config.policy import Policy
from app.errors import BudgetExceeded, UsageError, VaultError, WorkerFailed
from app.store.durable_file import write_durably
from app.store.vault import Vault
from app.workflows import resume_training, trainer_process
from app.workflows.augment_findings import FindingTeller
from app.workflows.check_plan import PlannedRun, check_plan
from app.workflows.collect_examples import Source, collect_examples
from app.workflows.list_models import result_store
from app.workflows.plan_training import declare_diseases
from app.workflows.report_privacy import report_privacy
from app.workflows.train_model import RESUME_SETTING, TrainingProgress, train_model
from app.workflows.trainer_process import TrainerProcess
from knowledge_graph.graph.cache import load_compiled
from ml.errors import ModelFileError
from ml.privacy.ledger import epsilon_bound, mechanisms
from ml.privacy.loss_distribution import least_epsilon
from ml.registry import model_store
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors
from ml.registry.training_result import TrainingResult
from tests.app.workflows.thread_process import train_in_a_thread
from tests.app.workflows.training_site import DISEASES, NAME, PLAN, RECORD, confirmed_site, frames_sent, run

pytestmark = pytest.mark.slow


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with confirmed_site(tmp_path) as made:
        yield made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    return frames_sent(monkeypatch)


def test_a_run_is_debited_before_it_steps_and_leaves_a_result(
    vault: Vault, sent: list[dict[str, Any]]
) -> None:
    progress, result = run(vault)
    assert result is not None
    entries = vault.ledger()
    assert [e.steps for e in entries] == [2, 2, 2]
    assert [p.step for p in progress if p.phase == "training"] == [1, 2, 3, 4, 5, 6]
    assert len([f for f in sent if f["kind"] == "grant"]) == len(entries)
    epsilons = [e.epsilon_after for e in entries]
    assert epsilons == sorted(epsilons)
    assert 0.9 * PLAN.target_epsilon < epsilons[-1] <= PLAN.target_epsilon
    assert epsilons[-1] <= 1.05 * epsilon_bound(mechanisms(entries), PLAN.delta)
    _only_declared_rows_changed(result)
    assert result_store(vault).get(result.run_id) == result
    assert result.privacy.epsilon == report_privacy(vault, Policy()).spent == epsilons[-1]
    _trainer_knows_nobody(sent, vault)
    _further_runs_compose(vault)


def _only_declared_rows_changed(result: TrainingResult) -> None:
    start = starting_version()
    before, after = read_tensors(start.files["tensors.safetensors"]), read_tensors(result.tensors)
    moved = {
        start.labels[row] for row in (before["head.weight"] != after["head.weight"]).any(axis=1).nonzero()[0]
    }
    assert moved == set(DISEASES)


def _trainer_knows_nobody(sent: list[dict[str, Any]], vault: Vault) -> None:
    crossed = msgspec.msgpack.encode(sent)
    for secret in (NAME, "Canaryname", RECORD, "note-0-1", "correct horse", "2026-01-01", str(vault.path)):
        assert secret.lower().encode() not in crossed.lower()
    assert b"chorea and depression" in crossed
    assert vault.data_key() not in crossed
    start = sent[0]
    assert len(start["patients"]) == 8  # one withdrawn
    assert {frozenset(p) for p in start["patients"]} == {frozenset({"number", "texts", "label", "beside"})}
    beside = [p["beside"] for p in start["patients"]]
    assert {frozenset(b) for b in beside} == {frozenset({"rows", "shares", "rest", "text_weight"})}


def _further_runs_compose(vault: Vault) -> None:
    with pytest.raises(BudgetExceeded, match="is spent already"):
        run(vault)
    steps = len(vault.ledger())
    with pytest.raises(BudgetExceeded, match="above the cap 4"):
        run(vault, replace(PLAN, target_epsilon=5.0))
    assert len(vault.ledger()) == steps
    _, second = run(vault, replace(PLAN, target_epsilon=4.0, steps=2))
    assert second is not None
    assert 3.0 < second.privacy.epsilon <= 4.0


def test_a_stopped_run_keeps_its_checkpoint_and_never_passes_its_target(vault: Vault) -> None:
    stop = Event()
    reports = []
    for report in train_model(vault, PLAN, stop=stop):
        reports.append(report)
        if isinstance(report, TrainingProgress) and report.step == 3:
            stop.set()
    assert isinstance(reports[-1], TrainingProgress)
    assert reports[-1].phase == "stopped"
    assert len(vault.ledger()) == 2  # the second block is spent, though it did not end
    (kept,) = vault.models_dir.glob("*.checkpoint")
    sealed = kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"weights" not in sealed
    assert set(load(vault.unseal("training-checkpoint", sealed))) == {"weights", "first", "second", "step"}
    declare_diseases(vault, [DISEASES[0]])  # meant for the next run: this one keeps its own
    progress, result = run(vault, replace(PLAN, resume=True))
    assert result is not None
    assert progress[-1].step == 6
    assert [e.steps for e in vault.ledger()] == [2, 2, 2]
    spent = report_privacy(vault, Policy()).spent
    assert spent is not None
    assert spent <= PLAN.target_epsilon
    assert not list(vault.models_dir.glob("*.checkpoint"))
    with pytest.raises(UsageError, match="no stopped run"):
        run(vault, replace(PLAN, resume=True))


def test_a_paused_run_ends_its_block_and_loses_none(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    train_in_a_thread(monkeypatch)
    pause = Event()
    reports = []
    for report in train_model(vault, PLAN, pause=pause):
        reports.append(report)
        if isinstance(report, TrainingProgress) and report.step == 3:
            pause.set()
    last = reports[-1]
    assert isinstance(last, TrainingProgress)
    assert (last.phase, last.step) == ("stopped", 4)
    assert [e.steps for e in vault.ledger()] == [2, 2]
    progress, result = run(vault, replace(PLAN, resume=True))
    assert result is not None
    assert [p.step for p in progress if p.phase == "training"] == [5, 6]  # none was lost
    assert [e.steps for e in vault.ledger()] == [2, 2, 2]


def test_a_pause_before_the_first_step_spends_nothing(vault: Vault) -> None:
    pause = Event()
    pause.set()
    reports = list(train_model(vault, PLAN, pause=pause))
    assert [r.phase for r in reports if isinstance(r, TrainingProgress)] == ["preparing", "stopped"]
    assert vault.ledger() == ()


def test_a_stop_before_the_first_step_spends_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, public_cache: Path
) -> None:
    """A trainer needs seconds before it reads the patients; this one never does. The parent must not wait."""
    deaf = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(trainer_process, "worker_command", lambda _kind: deaf)
    stop = Event()
    reports = []
    for report in train_model(vault, PLAN, stop=stop):
        reports.append(report)
        if isinstance(report, TrainingProgress) and report.phase == "planning":
            threading.Timer(0.5, stop.set).start()
    phases = [r.phase for r in reports if isinstance(r, TrainingProgress)]
    assert list(dict.fromkeys(phases)) == ["preparing", "planning", "stopped"]
    stop.clear()
    source = Source(FindingTeller(load_compiled(public_cache), lambda _below: 0))
    *shares, examples = collect_examples(vault, DISEASES, source=source, shuffle=list.sort, stop=stop)
    assert isinstance(examples, list)
    assert len(examples) == len(shares) == 8
    assert shares == sorted({*shares, 0.5, 1.0})
    stop.set()
    assert list(collect_examples(vault, DISEASES, source=source, shuffle=list.sort, stop=stop)) == [[]]
    assert vault.ledger() == ()


def test_a_killed_trainer_costs_at_most_the_granted_block(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = TrainerProcess.grant

    def kill_then_grant(self: TrainerProcess) -> None:
        """Dead before the grant, or it might be quick enough to ask for the next block."""
        if len(vault.ledger()) == 2:
            self._process.end()
        grant(self)

    monkeypatch.setattr(TrainerProcess, "grant", kill_then_grant)
    with pytest.raises(WorkerFailed, match="--resume"):
        run(vault)
    assert [e.steps for e in vault.ledger()] == [2, 2]


def test_a_full_disk_ends_a_run_with_the_remedy_and_it_goes_on_from_its_last_checkpoint(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_in_a_thread(monkeypatch)
    (vault.models_dir / "run-0.checkpoint.new").write_bytes(b"half of one, left by a crash")

    def full(path: Path, data: bytes) -> None:
        if len(vault.ledger()) == 2:
            raise OSError(28, "No space left on device")
        write_durably(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(resume_training, "write_durably", full)
        with pytest.raises(VaultError, match=r"No space left.*--resume"):
            run(vault)
    assert [e.steps for e in vault.ledger()] == [2, 2]
    assert len(list(vault.models_dir.glob("*.checkpoint*"))) == 1
    progress, result = run(vault, replace(PLAN, resume=True))
    assert result is not None
    assert [p.step for p in progress if p.phase == "training"] == [5, 6]
    assert [e.steps for e in vault.ledger()] == [2, 2, 2]


def test_the_window_side_of_training_needs_no_torch() -> None:
    import subprocess

    code = (
        "import sys, app.workflows.train_model, app.workflows.report_privacy; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_plan_is_believed_whole_or_not_at_all() -> None:
    """Each block's epsilon must be a possible one."""
    plan = replace(PLAN, delta=1e-5)
    noise, left = 4.0, 6
    most = [epsilon_bound([(noise, plan.sample_rate, steps)], plan.delta) for steps in (2, 4, 6)]
    least = [least_epsilon([(noise, plan.sample_rate, steps)], plan.delta) for steps in (2, 4, 6)]
    sound = PlannedRun(noise, tuple(most))
    assert list(check_plan(plan, sound, (), left=left)) == [1 / 3, 2 / 3, 1.0]
    for epsilons in (
        most[:2],
        [most[1], most[0], most[2]],
        [*most[:2], 1.001 * most[2]],
        [*least[:2], 0.99 * least[2]],
        [0.99 * least[0], *most[1:]],
        [*most[:2], float("nan")],
        [*most[:2], float("inf")],
    ):
        with pytest.raises(WorkerFailed, match="disagree"):
            list(check_plan(plan, PlannedRun(noise, tuple(epsilons)), (), left=left))


def test_a_long_run_tells_how_much_of_it_is_planned_and_stops_between(vault: Vault) -> None:
    """In the trainer, and in the check of its plan; nothing is spent before the end of both."""
    long = replace(PLAN, steps=2000, block_steps=10)
    for half in (0.25, 0.75):
        stop, told = Event(), list[TrainingProgress]()
        for report in train_model(vault, long, stop=stop):
            assert isinstance(report, TrainingProgress)
            told.append(report)
            if report.phase == "planning" and report.share >= half:
                stop.set()
        planned = [p.share for p in told if p.phase == "planning" and p.share]
        assert planned == [s for s in (0.25, 0.5, 0.75) if s <= half]
        assert told[-1].phase == "stopped"
        assert vault.ledger() == ()


def test_a_run_tells_how_far_the_charts_are_read_and_stops_between_two(
    vault: Vault, sent: list[dict[str, Any]]
) -> None:
    stop, told = Event(), list[TrainingProgress]()
    for report in train_model(vault, PLAN, stop=stop):
        assert isinstance(report, TrainingProgress)
        told.append(report)
        if report.share >= 0.5:
            stop.set()
    assert [(p.phase, p.share) for p in told] == [
        ("preparing", 0.0),
        *(("preparing", share) for share in (0.12, 0.25, 0.37, 0.5)),
        ("stopped", 0.0),
    ]
    assert sent == []
    assert vault.ledger() == ()


@pytest.mark.parametrize("failing", ["the result's file", "the event"])
def test_the_log_tells_of_a_result_only_once_it_is_on_disk_and_the_run_then_ends_at_no_cost(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    train_in_a_thread(monkeypatch)

    set_settings = Vault.set_settings

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def full_at_the_end(vault: Vault, values: Mapping[str, str | None], **said: str) -> None:
        if RESUME_SETTING in values and values[RESUME_SETTING] is None:
            full()
        set_settings(vault, values, **said)

    with monkeypatch.context() as broken:
        if failing == "the event":
            broken.setattr(Vault, "set_settings", full_at_the_end)
        else:
            broken.setattr(model_store, "_write_durably", full)
        with pytest.raises((ModelFileError, OSError), match="No space"):
            run(vault)
    assert bool(result_store(vault).run_ids()) is (failing == "the event")
    assert "training-finished" not in [event.action for event in vault.audit_events(50)]
    debits = vault.ledger()
    assert sum(entry.steps for entry in debits) == PLAN.steps
    _, result = run(vault, replace(PLAN, resume=True))
    assert result is not None
    assert vault.ledger() == debits
    assert result_store(vault).run_ids() == (result.run_id,)
    (finished,) = [event for event in vault.audit_events(50) if event.action == "training-finished"]
    assert (finished.record_id, finished.detail) == (result.run_id, f"epsilon {debits[-1].epsilon_after:.4g}")
