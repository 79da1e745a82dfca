"""Known ways to spend more than the ledger says, planted into the real workflow one by one: each is caught.

The vault, the workflow and the trainer's conversation are real; the trainer runs in a thread and its learner
only counts, so that a run takes a moment.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import pytest

from app.errors import BudgetExceeded, WorkerFailed
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.workflows import resume_training, train_model
from app.workflows.plan_training import TrainingPlan
from ml.frames import read_frame, write_frame
from ml.privacy.ledger import LedgerEntry, mechanisms, spent
from ml.privacy.loss_distribution import least_epsilon
from ml.registry.training_result import TrainingResult
from ml.training import worker
from ml.training.messages import TrainingJob, TrainingPatient, encode_start
from tests.app.workflows.one_confirmed import confirm_one
from tests.bug_bank import BugBank
from tests.ml.training.trainer_checks import Counting

pytestmark = pytest.mark.slow
PLAN = TrainingPlan(
    target_epsilon=3.0, cap=6.0, delta=1e-5, steps=6, block_steps=2, sample_rate=1.0, threads=1
)
FAST = KdfParameters.fast_for_tests()
BUGS = BugBank()


class ThreadTrainer:
    """A trainer as the workflow knows it; `witness` hears of every job, grant and step."""

    def __init__(self, witness: "Witness") -> None:
        self._witness = witness
        (read, self._ask), (self._answer, write) = os.pipe(), os.pipe()
        self._ends = (os.fdopen(read, "rb"), os.fdopen(write, "wb"))
        self._thread = threading.Thread(target=worker.serve, args=self._ends)

    def __enter__(self) -> "ThreadTrainer":
        self._out, self._in = os.fdopen(self._ask, "wb"), os.fdopen(self._answer, "rb")
        return self

    def __exit__(self, *_: object) -> None:
        self._out.close()
        if self._thread.ident:
            self._thread.join()
        for end in (*self._ends, self._in):
            end.close()

    def start(self, job: TrainingJob, patients: list[TrainingPatient]) -> None:
        self._witness.jobs.append(job)
        self._thread.start()
        write_frame(self._out, encode_start(job, patients))

    def grant(self) -> None:
        self._witness.debited_at_grant.append(sum(e.steps for e in self._witness.vault.ledger()))
        write_frame(self._out, {"kind": "grant"})

    def receive(self, stop: Event) -> dict[str, Any] | None:
        return None if stop.is_set() else self._witness.altered(read_frame(self._in) or {})


class Witness:
    """What really happened, however the ledger tells it."""

    def __init__(self, vault: Vault, altered: Callable[[dict[str, Any]], dict[str, Any]] = lambda f: f):
        self.vault, self.altered = vault, altered
        self.jobs: list[TrainingJob] = []
        self.debited_at_grant: list[int] = []
        self.learners: list[Counting] = []

    def learner(self, _job: TrainingJob, _patients: object) -> Counting:
        self.learners.append(Counting())
        return self.learners[-1]

    @property
    def executed(self) -> list[Any]:
        """The settings of every step taken."""
        return [settings for learner in self.learners for _, settings in learner.steps]

    def run(self, plan: TrainingPlan = PLAN, *, stop_at: int = 0) -> object:
        stop, report = Event(), None
        with (
            patch.object(train_model, "TrainerProcess", lambda: ThreadTrainer(self)),
            patch.object(worker, "make_learner", self.learner),
        ):
            for report in train_model.train_model(self.vault, plan, stop=stop):
                if stop_at and getattr(report, "step", 0) >= stop_at:
                    stop.set()
        return report


@pytest.fixture
def vaults(tmp_path: Path) -> Iterator[Callable[[], Vault]]:
    names, opened = count(), list[Vault]()

    def make() -> Vault:
        folder = tmp_path / f"{next(names)}.vault"
        made, _ = Vault.create(folder, user="ann", passphrase="correct horse", kdf=FAST)
        confirm_one(made)
        opened.append(made)
        return made

    yield make
    for vault in opened:
        vault.close()


def the_ledger_holds_what_was_executed(vault: Vault) -> None:
    """A run, stopped in its second block and taken up again, then another run over the same patients."""
    witness = Witness(vault)
    witness.run(stop_at=3)
    assert isinstance(witness.run(replace(PLAN, resume=True)), TrainingResult)
    assert isinstance(witness.run(replace(PLAN, target_epsilon=5.0)), TrainingResult)
    entries = vault.ledger()
    assert witness.debited_at_grant == [2, 4, 6, 8, 10, 12], "a step was granted before its debit"
    assert len(witness.executed) <= sum(e.steps for e in entries) == 2 * PLAN.steps
    real = [settings for settings in witness.executed if settings is not None]
    assert {(s.noise_multiplier, s.max_grad_norm) for s in real} == {
        (e.noise_multiplier, e.max_grad_norm) for e in entries
    }
    assert {(e.sample_rate, e.delta) for e in entries} == {(j.sample_rate, j.delta) for j in witness.jobs}
    for end in range(1, len(entries) + 1):
        done = entries[:end]
        assert spent(done) >= least_epsilon(mechanisms(done), PLAN.delta)
    assert entries[2].epsilon_after <= PLAN.target_epsilon
    assert spent(entries) <= 5.0


def a_trainer_that_understates_is_not_believed(vault: Vault) -> None:
    def halved(frame: dict[str, Any]) -> dict[str, Any]:
        return frame | {"epsilons": [e / 2 for e in frame["epsilons"]]} if "epsilons" in frame else frame

    def fewer(frame: dict[str, Any]) -> dict[str, Any]:
        return frame | {"epsilons": frame["epsilons"][:-1]} if "epsilons" in frame else frame

    for lie in (halved, fewer):
        with pytest.raises(WorkerFailed, match="disagree"):
            Witness(vault, lie).run()
        assert vault.ledger() == ()


def a_plan_above_the_cap_is_refused(vault: Vault) -> None:
    """A stopped run is taken up after the cap was lowered below what it would reach."""
    witness = Witness(vault)
    witness.run(stop_at=3)
    steps = sum(e.steps for e in vault.ledger())
    with pytest.raises(BudgetExceeded, match=r"above the cap 2\.5"):
        witness.run(replace(PLAN, resume=True, cap=2.5))
    assert sum(e.steps for e in vault.ledger()) == steps


def a_run_taken_up_keeps_its_target(vault: Vault) -> None:
    """Another run came between, whose debits compose with what is left of the stopped one."""
    witness = Witness(vault)
    witness.run(stop_at=3)
    witness.run(replace(PLAN, target_epsilon=5.0), stop_at=1)  # within its first block: no checkpoint
    steps = sum(e.steps for e in vault.ledger())
    with pytest.raises(BudgetExceeded, match="above its target 3"):
        witness.run(replace(PLAN, resume=True))
    assert sum(e.steps for e in vault.ledger()) == steps


CHECKS = (
    the_ledger_holds_what_was_executed,
    a_trainer_that_understates_is_not_believed,
    a_plan_above_the_cap_is_refused,
    a_run_taken_up_keeps_its_target,
)


def entries_with(patch: pytest.MonkeyPatch, change: Callable[[LedgerEntry], LedgerEntry]) -> None:
    real = train_model._entry
    patch.setattr(train_model, "_entry", lambda *args: change(real(*args)))


@BUGS.plant
def the_ledger_after_the_step(patch: pytest.MonkeyPatch) -> None:
    append, grant, waiting = Vault.append_ledger, ThreadTrainer.grant, list[tuple[Vault, LedgerEntry]]()

    def grant_then_debit(self: ThreadTrainer) -> None:
        grant(self)
        for vault, entry in waiting:
            append(vault, entry)
        waiting.clear()

    patch.setattr(Vault, "append_ledger", lambda self, entry: waiting.append((self, entry)))
    patch.setattr(ThreadTrainer, "grant", grant_then_debit)


@BUGS.plant
def a_debit_one_step_short(patch: pytest.MonkeyPatch) -> None:
    entries_with(patch, lambda e: replace(e, steps=e.steps - 1))


@BUGS.plant
def a_debit_with_more_noise_than_was_used(patch: pytest.MonkeyPatch) -> None:
    entries_with(patch, lambda e: replace(e, noise_multiplier=2 * e.noise_multiplier))


@BUGS.plant
def a_debit_at_half_the_sample_rate(patch: pytest.MonkeyPatch) -> None:
    entries_with(patch, lambda e: replace(e, sample_rate=e.sample_rate / 2))


@BUGS.plant
def a_debit_with_another_clip(patch: pytest.MonkeyPatch) -> None:
    entries_with(patch, lambda e: replace(e, max_grad_norm=e.max_grad_norm / 2))


@BUGS.plant
def a_debit_of_half_the_epsilon(patch: pytest.MonkeyPatch) -> None:
    entries_with(patch, lambda e: replace(e, epsilon_after=e.epsilon_after / 2))


@BUGS.plant
def a_debit_at_another_delta(patch: pytest.MonkeyPatch) -> None:
    entries_with(patch, lambda e: replace(e, delta=10 * e.delta))


@BUGS.plant
def a_run_that_forgets_the_ledger(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(train_model, "mechanisms", lambda _entries: ())


@BUGS.plant
def a_resumed_run_counted_from_its_beginning(patch: pytest.MonkeyPatch) -> None:
    real = resume_training.begin_run
    patch.setattr(train_model, "begin_run", lambda *args, **more: replace(real(*args, **more), done_steps=0))


@BUGS.plant
def a_resumed_run_counted_from_its_checkpoint(patch: pytest.MonkeyPatch) -> None:
    real = resume_training.begin_run

    def from_checkpoint(vault: Vault, plan: TrainingPlan, base: Any, **more: Any) -> Any:
        run = real(vault, plan, base, **more)
        return replace(run, done_steps=max(0, run.done_steps - 2))

    patch.setattr(train_model, "begin_run", from_checkpoint)


@BUGS.plant
def a_resumed_run_not_debited(patch: pytest.MonkeyPatch) -> None:
    append, runs = Vault.append_ledger, list[str]()

    def once(self: Vault, entry: LedgerEntry) -> None:
        if runs.count(entry.run_id) < 2:
            append(self, entry)
        runs.append(entry.run_id)

    patch.setattr(Vault, "append_ledger", once)


@BUGS.plant
def a_trainer_believed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(train_model, "check_plan", lambda *_, **__: iter(()))
    patch.setattr(train_model, "check_total", lambda *_: None)


def caught_by(vaults: Callable[[], Vault]) -> str:
    """The first check that fails with what is planted now; empty where none does."""
    for check in CHECKS:
        try:
            check(vaults())
        except (AssertionError, pytest.fail.Exception, WorkerFailed, BudgetExceeded):
            return check.__name__
    return ""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_without_a_bug_every_check_passes(
    check: Callable[[Vault], None], vaults: Callable[[], Vault]
) -> None:
    check(vaults())


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(
    name: str, vaults: Callable[[], Vault], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        BUGS[name](patch)
        caught = caught_by(vaults)
    assert caught, f"no check noticed: {name}"
