"""What the privacy ledger says: spent, left, per run; and how the privacy officer sets it right."""

from dataclasses import dataclass

from app.config.policy import Policy
from app.errors import BudgetExceeded, UsageError
from app.store.backup import EPSILON_FLOOR, UNKNOWN
from app.store.header import Role
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.plan_training import CAP_SETTING, LARGEST_CAP, set_cap_setting
from app.workflows.train_model import PATIENT_SET
from ml.privacy.ledger import LedgerEntry, epsilon_bound, mechanisms, of_patients, spent


@dataclass(frozen=True, slots=True)
class RunSpending:
    """One run: its steps, and what the ledger stood at before and after it."""

    run_id: str
    at: str
    steps: int
    sample_rate: float
    noise_multiplier: float
    max_grad_norm: float
    epsilon_before: float
    epsilon_after: float
    task: str


@dataclass(frozen=True, slots=True)
class PrivacyReport:
    """The whole ledger over the vault's patients; `cap` is the one enforced: the policy's or the vault's.

    `spent` is None where a restore left it unknown, `left` is None then or without a cap. `floor` is what
    was spent before a restore, where there was one.
    """

    spent: float | None
    cap: float | None
    left: float | None
    delta: float
    rdp_bound: float
    floor: str | None
    runs: tuple[RunSpending, ...]


def report_privacy(vault: Vault, policy: Policy) -> PrivacyReport:
    """Read the ledger and recompute its upper bound."""
    entries = of_patients(vault.ledger(), PATIENT_SET)
    floor, delta = vault.setting(EPSILON_FLOOR), min((e.delta for e in entries), default=0.0)
    used = None if floor == UNKNOWN else max(spent(entries), float(floor or 0.0))
    cap = _enforced(vault.setting(CAP_SETTING), policy)
    return PrivacyReport(
        spent=used,
        cap=cap,
        left=None if cap is None or used is None else max(0.0, cap - used),
        delta=delta,
        rdp_bound=epsilon_bound(mechanisms(entries), delta) if entries else 0.0,
        floor=floor,
        runs=_runs(entries),
    )


def declare_spent(vault: Vault, epsilon: float) -> None:
    """After a restore, say what had been spent: the privacy officer alone, never less than is known."""
    kept = vault.setting(EPSILON_FLOOR)
    if kept is None:
        raise UsageError("this vault was not restored from a backup; its ledger is whole, declare nothing")
    if not 0 <= epsilon < 1000:
        raise UsageError("epsilon must lie between 0 and 1000")
    if vault.role is not Role.PRIVACY_OFFICER:
        raise BudgetExceeded("only the privacy officer may declare what was spent; let her sign in for it")
    if kept != UNKNOWN and epsilon < float(kept):
        raise BudgetExceeded(f"epsilon {float(kept):g} is known to be spent; what is known never falls")
    vault.set_setting(EPSILON_FLOOR, repr(epsilon), action="epsilon-declared", detail=f"{epsilon:g}")


def set_cap(vault: Vault, epsilon: float) -> None:
    """Choose the vault's cap, the first one too. Only the privacy officer may raise it. Audited."""
    vault.require(Right.PLAN)
    if not 0 < epsilon <= LARGEST_CAP:
        raise UsageError(f"the cap must be above 0 and at most {LARGEST_CAP:g}")
    kept = vault.setting(CAP_SETTING)
    if kept is not None and not epsilon <= float(kept) and vault.role is not Role.PRIVACY_OFFICER:
        raise BudgetExceeded(f"the cap is {float(kept):g}; only the privacy officer may raise it")
    set_cap_setting(vault, epsilon)


def _enforced(kept: str | None, policy: Policy) -> float | None:
    caps = [c for c in (policy.epsilon_cap, float(kept) if kept else None) if c is not None]
    return min(caps, default=None)


def _runs(entries: tuple[LedgerEntry, ...]) -> tuple[RunSpending, ...]:
    runs: dict[str, RunSpending] = {}
    stood = 0.0
    for e in entries:
        known = runs.get(e.run_id)
        runs[e.run_id] = RunSpending(
            run_id=e.run_id,
            at=e.at,
            steps=e.steps + (known.steps if known else 0),
            sample_rate=e.sample_rate,
            noise_multiplier=e.noise_multiplier,
            max_grad_norm=e.max_grad_norm,
            epsilon_before=known.epsilon_before if known else stood,
            epsilon_after=e.epsilon_after,
            task=e.task,
        )
        stood = max(stood, e.epsilon_after)
    return tuple(runs.values())
