"""The cap holds whatever is tried: odd numbers, a larger delta, a restore, a clock, a second run."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.config.policy import Policy
from app.errors import BudgetExceeded, PolicyError, UsageError, VaultError
from app.store.backup import EPSILON_FLOOR, UNKNOWN, back_up, restore
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.sealed_copy import copy_sealed
from app.store.vault import Vault
from app.workflows.plan_training import (
    CAP_SETTING,
    TrainingPlan,
    check_budget,
    choose_cap,
    completed,
    keep_cap,
)
from app.workflows.report_privacy import declare_spent, report_privacy, set_cap
from app.workflows.train_model import learned_from
from ml.privacy.ledger import MECHANISM, LedgerEntry

FAST = KdfParameters.fast_for_tests()
PLAN = completed(TrainingPlan(target_epsilon=3.0, delta=1e-4))
PATIENTS = "all patients of this vault"


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made, _ = Vault.create(tmp_path / "v.vault", user="ann", passphrase="correct horse", kdf=FAST)
    add_user(made, user="olga", passphrase="battery staple", role=Role.PRIVACY_OFFICER, kdf=FAST)
    with made:
        yield made


def spend(vault: Vault, epsilon: float, *, delta: float = 1e-4, run: str = "run-1") -> None:
    vault.append_ledger(
        LedgerEntry(run, PATIENTS, MECHANISM, 0.5, 8.0, 1.0, 5, delta, epsilon, "2026-01-01T00:00:00+00:00")
    )


def officer(vault: Vault) -> Vault:
    """The same folder, opened by the privacy officer."""
    vault.close()
    return Vault.open(vault.path, user="olga", passphrase="battery staple")


def begin(vault: Vault, plan: TrainingPlan, policy: Policy | None = None) -> None:
    """What every run passes through before a process is started."""
    whole = completed(plan)
    entries = vault.ledger()
    check_budget(vault, whole, entries, choose_cap(vault, whole, policy or Policy()))
    keep_cap(vault, whole)


@pytest.mark.parametrize(
    "change",
    [
        {"cap": math.nan},
        {"cap": math.inf},
        {"cap": -1.0},
        {"cap": 0.0},
        {"cap": 1e9},
        {"target_epsilon": math.nan},
        {"target_epsilon": math.inf},
        {"delta": math.nan},
        {"delta": 0.004, "expected_patients": 500},
        {"delta": 1e-4, "expected_patients": 1100},
        {"sample_rate": math.nan},
        {"learning_rate": math.nan},
        {"learning_rate": -0.1},
        {"learning_rate": math.inf},
        {"max_grad_norm": math.nan},
        {"steps": -1},
        {"threads": 0},
    ],
)
def test_a_number_that_is_none_or_out_of_range_is_refused_and_no_cap_is_kept(
    vault: Vault, change: dict[str, Any]
) -> None:
    with pytest.raises(UsageError):
        begin(vault, replace(PLAN, **change))
    assert vault.setting(CAP_SETTING) is None


def test_the_first_run_without_a_cap_makes_its_own_epsilon_the_cap(vault: Vault) -> None:
    begin(vault, PLAN)
    spend(vault, 1.0)
    with pytest.raises(BudgetExceeded, match="above the cap 3"):
        begin(vault, replace(PLAN, target_epsilon=3.1))
    with pytest.raises(BudgetExceeded, match="privacy officer"):
        set_cap(vault, 4.0)
    with officer(vault) as hers:
        set_cap(hers, 4.0)
        begin(hers, replace(PLAN, target_epsilon=3.1))


def test_a_run_lowers_the_cap_and_never_raises_it(vault: Vault) -> None:
    begin(vault, replace(PLAN, cap=5.0))
    begin(vault, replace(PLAN, cap=4.0))
    with pytest.raises(BudgetExceeded, match="above the cap 4"):
        begin(vault, replace(PLAN, target_epsilon=6.0, cap=6.0))
    assert vault.setting(CAP_SETTING) == "4.0"


def test_a_larger_delta_does_not_make_room(vault: Vault) -> None:
    """The same steps have a smaller epsilon at a larger delta: the cap would mean nothing."""
    begin(vault, replace(PLAN, cap=5.0))
    spend(vault, 3.0)
    with pytest.raises(BudgetExceeded, match="delta"):
        begin(vault, replace(PLAN, target_epsilon=4.0, delta=4e-4))
    begin(vault, replace(PLAN, target_epsilon=4.0, delta=1e-5))


@pytest.mark.parametrize("now", ["1999-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"])
def test_a_clock_set_back_gives_nothing_back(vault: Vault, now: str) -> None:
    begin(vault, PLAN)
    spend(vault, 2.99)
    vault.close()
    with Vault.open(vault.path, user="ann", passphrase="correct horse", clock=lambda: now) as again:
        assert again.audit_events(limit=1)[0].at == now
        with pytest.raises(BudgetExceeded, match="spent already"):
            begin(again, PLAN)


def test_a_second_process_cannot_open_the_ledger_for_writing(vault: Vault) -> None:
    with pytest.raises(VaultError, match="writing in another window or process"):
        Vault.open(vault.path, user="ann", passphrase="correct horse")


@pytest.mark.slow
def test_a_restore_gives_nothing_back(vault: Vault, tmp_path: Path) -> None:
    begin(vault, PLAN)
    back_up(vault, tmp_path / "backup", passphrase="correct horse")
    spend(vault, 2.5)
    vault.close()
    for name, replacing in (("known", vault.path), ("unknown", None)):
        restore(
            tmp_path / "backup", tmp_path / name, user="ann", passphrase="correct horse", replacing=replacing
        )
        with Vault.open(tmp_path / name, user="ann", passphrase="correct horse") as restored:
            with pytest.raises(BudgetExceeded, match=r"lacks the debits|must declare"):
                begin(restored, PLAN)
            for epsilon in (0.0, 2.4, 100.0):
                with pytest.raises(BudgetExceeded, match="privacy officer"):
                    declare_spent(restored, epsilon)


@pytest.mark.slow
def test_a_sealed_copy_gives_nothing_back(vault: Vault, tmp_path: Path) -> None:
    begin(vault, PLAN)
    vault.close()
    copy_sealed(vault.path, tmp_path / "copy")
    with Vault.open(vault.path, user="ann", passphrase="correct horse") as again:
        spend(again, 2.5)
    for name, replacing in (("itself", tmp_path / "copy"), ("nothing", None), ("vault", vault.path)):
        restore(
            tmp_path / "copy", tmp_path / name, user="ann", passphrase="correct horse", replacing=replacing
        )
        with (
            Vault.open(tmp_path / name, user="ann", passphrase="correct horse") as restored,
            pytest.raises(BudgetExceeded, match=r"lacks the debits|must declare"),
        ):
            begin(restored, PLAN)


def test_a_copy_of_the_database_put_back_can_spend_nothing(vault: Vault, tmp_path: Path) -> None:
    begin(vault, PLAN)
    vault.close()
    database = vault.path / "vault.db"
    earlier = database.read_bytes()
    with Vault.open(vault.path, user="ann", passphrase="correct horse") as again:
        spend(again, 2.5)
    database.write_bytes(earlier)
    with Vault.open(vault.path, user="ann", passphrase="correct horse") as older:
        assert "older than the vault's anchor" in str(older.read_only_because)
        with pytest.raises(VaultError, match="nothing can be changed"):
            spend(older, 0.1, run="run-2")


def test_a_forked_copys_database_put_in_the_vaults_place_can_spend_nothing(
    vault: Vault, tmp_path: Path
) -> None:
    begin(vault, PLAN)
    vault.close()
    fork = Path(shutil.copytree(vault.path, tmp_path / "fork"))
    with Vault.open(vault.path, user="ann", passphrase="correct horse") as again:
        spend(again, 2.5)
    with Vault.open(fork, user="ann", passphrase="correct horse") as forked:
        forked.set_setting("another", "history")
    (vault.path / "vault.db").write_bytes((fork / "vault.db").read_bytes())
    with Vault.open(vault.path, user="ann", passphrase="correct horse") as mixed:
        assert "different histories" in str(mixed.read_only_because)
        with pytest.raises(VaultError, match="nothing can be changed"):
            spend(mixed, 0.1, run="run-2")


def test_only_the_officer_declares_and_a_known_floor_never_falls(vault: Vault) -> None:
    vault.set_setting(EPSILON_FLOOR, UNKNOWN)
    with pytest.raises(BudgetExceeded, match="privacy officer"):
        declare_spent(vault, 0.0)
    with officer(vault) as hers:
        for wrong in (math.nan, -1.0, math.inf):
            with pytest.raises(UsageError):
                declare_spent(hers, wrong)
        declare_spent(hers, 2.0)
        with pytest.raises(BudgetExceeded, match="never falls"):
            declare_spent(hers, 1.0)
        declare_spent(hers, 2.5)
        assert hers.setting(EPSILON_FLOOR) == "2.5"


def test_nothing_is_declared_where_the_ledger_is_whole(vault: Vault) -> None:
    with officer(vault) as hers, pytest.raises(UsageError, match="ledger is whole"):
        declare_spent(hers, 0.0)


def test_the_report_says_what_is_enforced(vault: Vault) -> None:
    set_cap(vault, 4.0)
    spend(vault, 1.0, run="run-1")
    spend(vault, 1.5, run="run-1")
    spend(vault, 2.25, run="run-2")
    report = report_privacy(vault, Policy(epsilon_cap=3.0))
    assert (report.spent, report.cap, report.left) == (2.25, 3.0, 0.75)
    assert [(r.run_id, r.steps, r.epsilon_before, r.epsilon_after) for r in report.runs] == [
        ("run-1", 10, 0.0, 1.5),
        ("run-2", 5, 1.5, 2.25),
    ]
    assert report_privacy(vault, Policy()).left == 1.75


def test_after_a_restore_the_report_counts_what_the_ledger_lacks(vault: Vault) -> None:
    set_cap(vault, 4.0)
    spend(vault, 1.0)
    vault.set_setting(EPSILON_FLOOR, "2.5")
    report = report_privacy(vault, Policy())
    assert (report.spent, report.left) == (2.5, 1.5)
    vault.set_setting(EPSILON_FLOOR, UNKNOWN)
    report = report_privacy(vault, Policy())
    assert (report.spent, report.left) == (None, None)


def test_a_policy_that_is_no_number_stops_the_program(tmp_path: Path) -> None:
    from app.config.policy import load_policy

    for wrong in ("nan", "inf", "-1.0", "0.0", "1e9"):
        (tmp_path / "policy.toml").write_text(f"epsilon_cap = {wrong}\n")
        with pytest.raises(PolicyError):
            load_policy(tmp_path / "policy.toml")


def test_what_a_model_learned_from_names_the_records_codes_and_the_told_copies() -> None:
    assert learned_from(PLAN) == "confirmed diagnoses, with notes of one hospital's patients"
    coded = learned_from(replace(PLAN, with_coded=True, copies=3))
    assert coded.startswith("confirmed diagnoses and the records' own codes, with notes")
    assert "3 times more" in coded
    assert "without their labels" in learned_from(replace(PLAN, task="mlm", with_coded=True, copies=3))
