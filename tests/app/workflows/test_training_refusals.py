"""What may not be trained is refused in one line, before anything is spent."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch

from app.config.policy import Policy
from app.errors import BudgetExceeded, UsageError, VaultDamaged
from app.store.backup import EPSILON_FLOOR, UNKNOWN
from app.store.vault import Vault
from app.workflows import trainer_process
from app.workflows.plan_training import CAP_SETTING, DECLARED_SETTING, completed, devices_here
from app.workflows.resume_training import RESUME_SETTING, TrainingRun, begin_run, keep_checkpoint
from app.workflows.train_model import TrainingProgress, train_model
from ml.errors import TrainingRefused
from ml.registry.starting_model import starting_version
from ml.training import worker
from tests.app.workflows.thread_process import train_in_a_thread
from tests.app.workflows.training_site import DISEASES, PLAN, confirmed_site, empty_vault, run

pytestmark = pytest.mark.slow


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with confirmed_site(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("change", "policy", "error"),
    [
        ({"target_epsilon": 3.0, "cap": 2.0}, None, "above the cap 2"),
        ({"target_epsilon": 3.0}, Policy(epsilon_cap=1.5), "above the cap 1.5"),
        ({"target_epsilon": 0.0}, None, "epsilon"),
        ({"scope": "whole"}, None, "no scope"),
        ({"optimizer": "none"}, None, "optimizer"),
        ({"backend": "ghost", "dropout": 0.1}, None, "dropout"),
        ({"delta": 0.5}, None, "delta of this plan must be above 0 and at most 0.01"),
        ({"sample_rate": 1.5}, None, "sample rate of this plan must be above 0 and at most 1"),
        ({"steps": -1}, None, "number of steps of this plan must be between 1 and 100000"),
        ({"target_epsilon": math.nan}, None, "epsilon of this plan must be above 0 and at most 100"),
        ({"dropout": 0.1}, None, "leave --dropout out"),
        ({"backend": "hooks"}, None, "leave --backend out"),
        ({"task": "mlm", "scope": "lora", "copies": 2}, None, "--copies out"),
        ({"task": "mlm", "scope": "lora", "with_coded": True}, None, "--with-coded"),
        ({"target_epsilon": 3.0, "cap": 2.0}, None, "ask for 2 or less"),
        ({"resume": True}, None, "no stopped run"),
    ],
)
def test_what_may_not_run_is_refused_before_a_process_starts(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], policy: Policy | None, error: str
) -> None:
    def refuse(_kind: str) -> Sequence[str]:
        raise AssertionError("a trainer was started")

    monkeypatch.setattr(trainer_process, "worker_command", refuse)
    with pytest.raises((BudgetExceeded, UsageError), match=error):
        run(vault, replace(PLAN, **change), policy=policy)
    assert vault.ledger() == ()


@pytest.mark.parametrize(("task", "scope"), [("diagnosis", "head"), ("mlm", "lora")])
def test_a_run_that_nobody_could_teach_spends_nothing_and_leaves_no_cap(
    tmp_path: Path, task: str, scope: str
) -> None:
    with empty_vault(tmp_path / "empty") as empty:
        with pytest.raises(UsageError, match="to learn from yet"):
            run(empty, replace(PLAN, task=task, scope=scope))
        assert (empty.ledger(), empty.setting(CAP_SETTING)) == ((), None)


def test_a_restored_vault_trains_only_once_its_spending_is_known(vault: Vault) -> None:
    vault.set_setting(EPSILON_FLOOR, UNKNOWN)
    with pytest.raises(BudgetExceeded, match="privacy officer must declare"):
        run(vault)
    vault.set_setting(EPSILON_FLOOR, "2.0")
    with pytest.raises(BudgetExceeded, match="lacks the debits"):
        run(vault)
    assert vault.ledger() == ()


def test_too_tight_a_budget_is_refused_by_the_accountant_and_leaves_no_cap(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_in_a_thread(monkeypatch)
    with pytest.raises(BudgetExceeded, match="over 1000 steps by any noise"):
        run(vault, replace(PLAN, cap=None, target_epsilon=0.0005, steps=1000, sample_rate=1.0))
    assert (vault.ledger(), vault.setting(CAP_SETTING)) == ((), None)
    _, result = run(vault, replace(PLAN, cap=None))
    assert result is not None
    assert vault.setting(CAP_SETTING) == repr(PLAN.target_epsilon)


def test_a_trainer_that_fails_or_is_stopped_while_it_reads_the_notes_spends_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_in_a_thread(monkeypatch)

    def unable(*_: object) -> None:
        raise TrainingRefused("no room for the notes")

    stop, seen = Event(), list[str]()
    with monkeypatch.context() as patch:
        patch.setattr(worker, "make_learner", unable)
        with pytest.raises(BudgetExceeded, match="no room for the notes"):
            run(vault, replace(PLAN, cap=None))
    for report in train_model(vault, replace(PLAN, cap=None), stop=stop):
        assert isinstance(report, TrainingProgress)
        seen.append(report.phase)
        if report.phase == "reading":
            stop.set()
    assert list(dict.fromkeys(seen)) == ["preparing", "planning", "reading", "stopped"]
    assert (vault.ledger(), vault.setting(CAP_SETTING)) == ((), None)


def test_a_checkpoint_that_is_gone_or_altered_is_refused_in_one_line(vault: Vault) -> None:
    run_id = "run-000000000000"
    stopped = TrainingRun(run_id, completed(PLAN), starting_version(), DISEASES)
    keep_checkpoint(vault, stopped, b"state", 4.0)
    path = vault.models_dir / f"{run_id}.checkpoint"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(VaultDamaged):
        next(train_model(vault, replace(PLAN, resume=True)))
    path.unlink()
    with pytest.raises(UsageError, match="checkpoint is gone"):
        next(train_model(vault, replace(PLAN, resume=True)))
    keep_checkpoint(vault, replace(stopped, run_id="run-111111111111"), b"state", 4.0)
    keep_checkpoint(vault, stopped, b"state", 4.0)
    assert [p.stem for p in vault.models_dir.glob("*.checkpoint")] == [run_id]


def test_a_stopped_run_goes_on_where_it_is_told_to_and_may_be_older_than_devices(vault: Vault) -> None:
    begun = completed(replace(PLAN, scope="lora", device="cuda", learning_rate=0.01))
    stopped = TrainingRun("run-000000000000", begun, starting_version(), DISEASES)
    keep_checkpoint(vault, stopped, b"state", 4.0)
    assert begin_run(vault, replace(PLAN, resume=True), starting_version()).plan.device == "cpu"
    note = json.loads(vault.setting(RESUME_SETTING) or "")
    del note["plan"]["device"]
    vault.set_setting(RESUME_SETTING, json.dumps(note))
    assert (
        begin_run(vault, replace(PLAN, resume=True, device="cuda"), starting_version()).plan.device == "cuda"
    )


def test_a_scope_that_needs_labels_is_refused_for_notes_without() -> None:
    for scope in ("head", "adapter"):
        with pytest.raises(UsageError, match=f"{scope}.*notes without labels; choose one of top"):
            completed(replace(PLAN, task="mlm", scope=scope))
    with pytest.raises(UsageError, match="diagnosis, mlm"):
        completed(replace(PLAN, task="other"))
    assert completed(replace(PLAN, task="mlm", scope="full", learning_rate=0.0)).learning_rate < 0.001


def test_more_devices_than_there_are_and_several_for_the_head_are_refused() -> None:
    there = devices_here()
    with pytest.raises(UsageError, match=f"has {there} to train on"):
        completed(replace(PLAN, scope="lora", devices=there + 1))
    with pytest.raises(UsageError, match="has"):
        completed(replace(PLAN, scope="lora", devices=0))
    with pytest.raises(UsageError, match="device of this plan"):
        completed(replace(PLAN, device="tpu"))
    if there > 1:
        with pytest.raises(UsageError, match="processor cores"):
            completed(replace(PLAN, scope="lora", devices=2, device="cuda"))
        with pytest.raises(UsageError, match="on one device"):
            completed(replace(PLAN, devices=2))
        assert completed(replace(PLAN, devices=2, resume=True)).devices == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a graphics card")
def test_a_graphics_card_that_is_not_there_is_said_before_anything_is_spent(vault: Vault) -> None:
    with pytest.raises(BudgetExceeded, match="no graphics card here; install the CUDA build"):
        run(vault, replace(PLAN, scope="lora", device="cuda"))
    assert vault.ledger() == ()


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        ([DISEASES[0], "OMIM:15470O"], "the model knows no OMIM:15470O;"),
        (["Ada", "has", "seizures."], "entry 1 of the declared diseases is no id"),
        ([], "no disease is named"),
    ],
)
def test_a_list_of_diseases_with_a_mistake_replaces_none(vault: Vault, declare: list[str], says: str) -> None:
    before = vault.setting(DECLARED_SETTING)
    with pytest.raises(UsageError, match=says) as refused:
        run(vault, declare=declare)
    assert "Ada" not in str(refused.value)
    assert (vault.setting(DECLARED_SETTING), vault.ledger()) == (before, ())


def test_diseases_are_declared_with_a_plan_that_stands(vault: Vault) -> None:
    before = vault.setting(DECLARED_SETTING)
    with pytest.raises(UsageError, match="keeps its own diseases"):
        run(vault, replace(PLAN, resume=True), declare=[DISEASES[0]])
    with pytest.raises(BudgetExceeded, match="by any noise"):
        run(vault, replace(PLAN, target_epsilon=0.0005, steps=1000, sample_rate=1.0), declare=[DISEASES[0]])
    assert vault.setting(DECLARED_SETTING) == before
    run(vault, declare=[DISEASES[0]])
    assert vault.setting(DECLARED_SETTING) == json.dumps([DISEASES[0]])
