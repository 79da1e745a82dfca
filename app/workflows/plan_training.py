"""What is chosen before a private run: the plan, the cap and the declared diseases; all of it is public."""

from dataclasses import dataclass, replace

import msgspec

from app.config.policy import Policy
from app.errors import UsageError
from app.store.vault import Vault
from ml.registry.model_version import VersionContent

CAP_SETTING = "privacy.epsilon_cap"
DECLARED_SETTING = "privacy.declared_diseases"
SCOPES = {"head": (40, 0.5, 0.02), "lora": (30, 0.3, 0.003)}  # steps, sample rate, learning rate


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What is chosen before a run. All numbers are public: they must not be chosen from the data.

    `expected_patients` is a public estimate of how many labelled patients there are; the noisy sum is
    divided by sample rate times it.
    """

    target_epsilon: float
    delta: float = 1e-5
    scope: str = "head"
    cap: float | None = None
    steps: int = 0
    sample_rate: float = 0.0
    learning_rate: float = 0.0
    max_grad_norm: float = 1.0
    expected_patients: int = 200
    block_steps: int = 5
    threads: int = 2
    resume: bool = False


def completed(plan: TrainingPlan) -> TrainingPlan:
    """The plan with the scope's own numbers where none are given. Raises UsageError."""
    if plan.scope not in SCOPES:
        raise UsageError(f"there is no scope {plan.scope!r}; choose one of {', '.join(SCOPES)}")
    steps, rate, learning_rate = SCOPES[plan.scope]
    whole = replace(
        plan,
        steps=plan.steps or steps,
        sample_rate=plan.sample_rate or rate,
        learning_rate=plan.learning_rate or learning_rate,
    )
    for name, sound in (
        ("epsilon", 0 < whole.target_epsilon <= 100),
        ("delta", 0 < whole.delta <= 0.01),
        ("sample rate", 0 < whole.sample_rate <= 1),
        ("steps", 1 <= whole.steps <= 100_000),
        ("max_grad_norm", 0 < whole.max_grad_norm <= 1000),
        ("expected_patients", 1 <= whole.expected_patients <= 10_000_000),
        ("block_steps", 1 <= whole.block_steps <= 1000),
    ):
        if not sound:
            raise UsageError(f"the {name} of this plan is out of range; see `anamnesis train --help`")
    return whole


def choose_cap(vault: Vault, plan: TrainingPlan, policy: Policy) -> float:
    """The smallest cap among policy, vault and plan; with none, the run's own target.

    A plan's cap is kept in the vault where it is the first or the smallest: a run may lower the cap, only
    `privacy --set-cap` raises it.
    """
    kept = vault.setting(CAP_SETTING)
    chosen = [c for c in (policy.epsilon_cap, plan.cap, float(kept) if kept else None) if c is not None]
    if plan.cap is not None and (kept is None or plan.cap < float(kept)):
        vault.set_setting(CAP_SETTING, repr(plan.cap))
    return min(chosen) if chosen else plan.target_epsilon


def declared_diseases(vault: Vault, base: VersionContent) -> tuple[str, ...]:
    """The diseases whose rows may change: those the site declared, else all that the model knows."""
    declared = vault.setting(DECLARED_SETTING)
    known = set(base.labels)
    if declared is None:
        return base.labels
    wanted = tuple(d for d in msgspec.json.decode(declared, type=list[str]) if d in known)
    if not wanted:
        raise UsageError("none of the declared diseases is known to the model; declare others")
    return wanted


def declare_diseases(vault: Vault, disease_ids: list[str]) -> None:
    """Say which diseases the site treats. It is public: choose it without looking at the patients."""
    vault.set_setting(DECLARED_SETTING, msgspec.json.encode(sorted(set(disease_ids))).decode())
    vault.audit("diseases-declared", detail=f"{len(set(disease_ids))} diseases")
