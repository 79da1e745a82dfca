"""What the privacy ledger says: spent, left, per run."""

from dataclasses import dataclass

from app.errors import BudgetExceeded, UsageError
from app.store.backup import EPSILON_FLOOR
from app.store.header import Role
from app.store.vault import Vault
from app.workflows.plan_training import CAP_SETTING
from app.workflows.train_model import PATIENT_SET
from ml.privacy.ledger import epsilon_bound, mechanisms, of_patients, spent


@dataclass(frozen=True, slots=True)
class RunSpending:
    """One run: its steps and what the ledger stood at after it."""

    run_id: str
    at: str
    steps: int
    sample_rate: float
    noise_multiplier: float
    epsilon_after: float


@dataclass(frozen=True, slots=True)
class PrivacyReport:
    """The whole ledger over the vault's patients. `left` is None without a cap."""

    spent: float
    cap: float | None
    left: float | None
    delta: float
    rdp_bound: float
    floor: str | None
    runs: tuple[RunSpending, ...]


def report_privacy(vault: Vault) -> PrivacyReport:
    """Read the ledger and recompute its upper bound."""
    entries = of_patients(vault.ledger(), PATIENT_SET)
    kept, floor = vault.setting(CAP_SETTING), vault.setting(EPSILON_FLOOR)
    delta = entries[-1].delta if entries else 0.0
    runs: dict[str, RunSpending] = {}
    for e in entries:
        before = runs[e.run_id].steps if e.run_id in runs else 0
        runs[e.run_id] = RunSpending(
            e.run_id, e.at, before + e.steps, e.sample_rate, e.noise_multiplier, e.epsilon_after
        )
    used = spent(entries)
    cap = float(kept) if kept else None
    return PrivacyReport(
        spent=used,
        cap=cap,
        left=max(0.0, cap - used) if cap is not None else None,
        delta=delta,
        rdp_bound=epsilon_bound(mechanisms(entries), delta) if entries else 0.0,
        floor=floor,
        runs=tuple(runs.values()),
    )


def declare_spent(vault: Vault, epsilon: float) -> None:
    """After a restore without the replaced vault: state what had been spent. Audited."""
    if not 0 <= epsilon < 1000:
        raise UsageError("epsilon must lie between 0 and 1000")
    vault.set_setting(EPSILON_FLOOR, repr(epsilon))
    vault.audit("epsilon-declared", detail=f"{epsilon:g}")


def set_cap(vault: Vault, epsilon: float) -> None:
    """Choose the vault's cap anew. Only the privacy officer may raise it. Audited."""
    if not 0 < epsilon <= 100:
        raise UsageError("the cap must be above 0 and at most 100")
    kept = vault.setting(CAP_SETTING)
    if kept is not None and epsilon > float(kept) and vault.role is not Role.PRIVACY_OFFICER:
        raise BudgetExceeded(f"the cap is {float(kept):g}; only the privacy officer may raise it")
    vault.set_setting(CAP_SETTING, repr(epsilon))
    vault.audit("epsilon-cap-set", detail=f"{epsilon:g}")
