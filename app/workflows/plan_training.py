"""What is chosen before a private run: the plan, the cap and the declared diseases; all of it is public.

Whether the run may begin at all is judged here too, from the ledger and what a restore left behind.
"""

import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from app.config.policy import Policy
from app.errors import BudgetExceeded, UsageError
from app.store.backup import EPSILON_FLOOR, UNKNOWN
from app.store.patient_query import PatientFilter
from app.store.rights import Right
from app.store.vault import Vault
from ml.privacy.ledger import LedgerEntry, spent
from ml.registry.model_version import VersionContent
from ml.training.messages import DIAGNOSIS, MLM
from ml.training.schedule import SCHEDULES

CAP_SETTING = "privacy.epsilon_cap"
DECLARED_SETTING = "privacy.declared_diseases"
DISEASE_ID = re.compile(r"[A-Z][A-Za-z0-9]*:[A-Za-z0-9._-]+")
LARGEST_CAP, LARGEST_DELTA = 100.0, 0.01
MOST_GIVEN_AWAY = 0.1  # patients, on average, whom delta alone would let a mechanism give away whole
WORTHLESS_ABOVE = 0.98  # with less than this share of the target left, noise would drown everything
SCOPES = {  # steps, sample rate, learning rate (of the head: at most, see `most_noise`)
    "head": (100, 0.5, 4.0),
    "top": (30, 0.3, 0.001),
    "bitfit": (30, 0.3, 0.003),
    "lora": (30, 0.3, 0.003),
    "adalora": (30, 0.3, 0.003),
    "adapter": (30, 0.3, 0.003),
    "prefix": (30, 0.3, 0.003),
    "full": (30, 0.3, 0.0003),
}
MLM_SCOPES = {  # as above, where notes without labels are learned from
    "top": (30, 0.3, 0.0003),
    "bitfit": (30, 0.3, 0.001),
    "lora": (30, 0.3, 0.001),
    "adalora": (30, 0.3, 0.001),
    "full": (30, 0.3, 0.0001),
}
TASKS = {DIAGNOSIS: SCOPES, MLM: MLM_SCOPES}
OPTIMIZERS = ("adamw", "sgd")
MOST_THREADS = 1024  # of many more torch dies without a word
MOST_NOISE = 0.7  # in a logit: see ml/training/README.md
CLIPPINGS = ("flat", "automatic")
BACKENDS = ("book-keeping", "ghost", "hooks")
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What is chosen before a run. All numbers are public: they must not be chosen from the data.

    `expected_patients` is a public estimate of how many labelled patients there are; the noisy sum is
    divided by sample rate times it. `with_coded` lets the record's own codes stand where no clinician has
    spoken; `copies` are further texts that tell a patient's findings in other words. The task `diagnosis`
    learns from labels, `mlm` from everybody's notes, by guessing hidden words. `devices` share
    the patients of each step; the result and what it spends are those of one. The encoder is on the
    `device`, one of DEVICES.
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
    with_coded: bool = False
    copies: int = 0
    optimizer: str = ""
    weight_decay: float = 0.0
    schedule: str = "constant"
    dropout: float = 0.0
    clipping: str = "flat"
    backend: str = "book-keeping"
    task: str = DIAGNOSIS
    devices: int = 1
    device: str = "cpu"

    @property
    def most_noise(self) -> float:
        """How far a run's noise may move a logit of the head; 0 (no limit) for an encoder or under Adam."""
        return MOST_NOISE if (self.scope, self.optimizer) == ("head", "sgd") else 0.0


def usual_optimizer(scope: str) -> str:
    """Adam scales every coordinate alike, noise or not, which drowns a head; encoders need it."""
    return "sgd" if scope == "head" else "adamw"


def completed(plan: TrainingPlan) -> TrainingPlan:
    """The plan with the scope's own numbers where none are given. Raises UsageError."""
    if plan.task not in TASKS:
        raise UsageError(f"there is no task {plan.task!r}; choose one of {', '.join(TASKS)}")
    scopes = TASKS[plan.task]
    if plan.scope not in scopes:
        raise UsageError(f"{_no_scope(plan)}; choose one of {', '.join(scopes)}")
    steps, rate, learning_rate = scopes[plan.scope]
    optimizer = plan.optimizer or usual_optimizer(plan.scope)
    whole = replace(
        plan,
        optimizer=optimizer,
        steps=plan.steps or steps,
        sample_rate=plan.sample_rate or rate,
        learning_rate=plan.learning_rate or learning_rate,
    )
    if whole.backend == "ghost" and whole.dropout > 0:
        raise UsageError("ghost clipping can't hold its clip under dropout; choose another backend")
    _check_devices(whole)
    for name, sound, told in _judged(whole):
        if not sound:
            raise UsageError(f"the {name} of this plan must be {told}")
    _check_heeded(whole)
    if optimizer != usual_optimizer(plan.scope) and not plan.learning_rate:
        raise UsageError(f"the usual learning rate is not for {optimizer}; name one by --learning-rate")
    _check_delta(whole)
    return whole


def _check_heeded(plan: TrainingPlan) -> None:
    """Raise UsageError for what was chosen and would change nothing."""
    if plan.scope == "head" and plan.dropout > 0:
        raise UsageError("the head has no dropout; leave --dropout out, or train another scope")
    if plan.scope == "head" and plan.backend != BACKENDS[0]:
        raise UsageError("the head is clipped in its own way; leave --backend out, or train another scope")
    if plan.task == MLM and (plan.with_coded or plan.copies):
        raise UsageError("mlm learns from notes as they are; leave --with-coded and --copies out")


def _check_delta(plan: TrainingPlan) -> None:
    most = MOST_GIVEN_AWAY / plan.expected_patients
    if plan.delta > most:
        raise UsageError(
            f"delta {plan.delta:g} would let one patient in {1 / plan.delta:,.0f} be given away whole; for "
            f"{plan.expected_patients:,} patients choose {10 ** math.floor(math.log10(most)):g} or less"
        )


def _check_devices(plan: TrainingPlan) -> None:
    there = devices_here()
    if not 1 <= plan.devices <= there:
        raise UsageError(f"this machine has {there} to train on; choose --devices between 1 and {there}")
    if plan.devices > 1 and plan.scope == "head" and not plan.resume:
        raise UsageError("the head trains in seconds, on one device; leave --devices out")
    if plan.devices > 1 and plan.device != "cpu":
        raise UsageError("several devices are processor cores; leave --devices out, or name --device cpu")


def devices_here() -> int:
    """How many processor cores this process may use: each can have a trainer of its own."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _no_scope(plan: TrainingPlan) -> str:
    if plan.scope in SCOPES:
        return f"scope {plan.scope!r} does not learn from notes without labels"
    return f"there is no scope {plan.scope!r}"


def _judged(plan: TrainingPlan) -> Iterator[tuple[str, bool, str]]:
    """Each setting by name, whether a run can have it (NaN is in no range), and what one can."""
    most_epsilon = f"above 0 and at most {LARGEST_CAP:g}"
    yield "epsilon", 0 < plan.target_epsilon <= LARGEST_CAP, most_epsilon
    yield "delta", 0 < plan.delta <= LARGEST_DELTA, f"above 0 and at most {LARGEST_DELTA:g}"
    yield "cap", plan.cap is None or 0 < plan.cap <= LARGEST_CAP, most_epsilon
    yield "sample rate", 0 < plan.sample_rate <= 1, "above 0 and at most 1"
    yield "learning rate", 0 < plan.learning_rate <= 1000, "above 0 and at most 1000"
    yield "max_grad_norm", 0 < plan.max_grad_norm <= 1000, "above 0 and at most 1000"
    yield "weight decay", 0 <= plan.weight_decay <= 1, "between 0 and 1"
    yield "dropout", 0 <= plan.dropout < 1, "at least 0 and below 1"
    for name, count, least, most in (
        ("number of steps", plan.steps, 1, 100_000),
        ("number of expected patients", plan.expected_patients, 1, 10_000_000),
        ("number of copies", plan.copies, 0, 20),
        ("number of steps in a block", plan.block_steps, 1, 1000),
        ("number of threads", plan.threads, 1, MOST_THREADS),
    ):
        yield name, least <= count <= most, f"between {least} and {most}"
    for name, chosen, choices in (
        ("optimizer", plan.optimizer, OPTIMIZERS),
        ("schedule", plan.schedule, SCHEDULES),
        ("clipping", plan.clipping, CLIPPINGS),
        ("backend", plan.backend, BACKENDS),
        ("device", plan.device, DEVICES),
    ):
        yield name, chosen in choices, f"one of {', '.join(choices)}"


def choose_cap(vault: Vault, plan: TrainingPlan, policy: Policy) -> float:
    """The smallest cap among policy, vault and plan; the first plan without one is its own cap."""
    kept = vault.setting(CAP_SETTING)
    chosen = (policy.epsilon_cap, _wanted_cap(plan, kept), float(kept) if kept else None)
    return min(c for c in chosen if c is not None)


def keep_cap(vault: Vault, plan: TrainingPlan) -> None:
    """Remember a plan's cap where it is the first or the smallest; only `set_cap` raises it."""
    kept = vault.setting(CAP_SETTING)
    wanted = _wanted_cap(plan, kept)
    if wanted is not None and (kept is None or wanted < float(kept)):
        set_cap_setting(vault, wanted)


def set_cap_setting(vault: Vault, epsilon: float) -> None:
    """Keep a cap, audited; who may is the caller's to ask."""
    vault.set_setting(CAP_SETTING, repr(epsilon), action="epsilon-cap-set", detail=f"{epsilon:g}")


def _wanted_cap(plan: TrainingPlan, kept: str | None) -> float | None:
    return plan.target_epsilon if plan.cap is None and kept is None else plan.cap


def check_budget(vault: Vault, plan: TrainingPlan, entries: Sequence[LedgerEntry], cap: float) -> None:
    """Raise BudgetExceeded for a run that may not begin; `entries` are the ledger's of these patients."""
    already = spent(entries)
    _check_floor(vault.setting(EPSILON_FLOOR), already)
    least_delta = min((e.delta for e in entries), default=plan.delta)
    if plan.delta > least_delta:
        raise BudgetExceeded(
            f"these patients' epsilon is counted at delta {least_delta:g}; at a larger delta it would look "
            f"smaller than it is: train at delta {least_delta:g} or below"
        )
    if plan.resume:  # its target stands in the stopped run; the plan that comes of it is held against the cap
        return
    if plan.target_epsilon > cap:
        raise BudgetExceeded(
            f"epsilon {plan.target_epsilon:g} is above the cap {cap:g}; {_way_out(already, cap)}"
        )
    if already >= WORTHLESS_ABOVE * plan.target_epsilon:
        raise BudgetExceeded(
            f"epsilon {already:.4g} of these patients is spent already, and a run to {plan.target_epsilon:g} "
            f"would learn nothing but noise; {_way_out(already, cap)}"
        )


def _way_out(already: float, cap: float) -> str:
    if already < WORTHLESS_ABOVE * cap:
        return f"name a total between {already:.4g} and {cap:g}" if already else f"ask for {cap:g} or less"
    return (
        "nothing of the cap is left: the privacy officer may raise the vault's by "
        "`anamnesis privacy --set-cap`, IT that of the policy"
    )


def check_teachers(vault: Vault, plan: TrainingPlan) -> None:
    """Raise UsageError for a new run that would spend its budget on noise alone, as far as a count tells."""
    labelled = plan.task == DIAGNOSIS and not plan.with_coded
    if plan.resume or vault.patient_count(PatientFilter(decided=True if labelled else None)):
        return
    raise UsageError(
        "no patient has a confirmed diagnosis to learn from yet; confirm some first"
        if labelled
        else "the vault holds no patient to learn from yet; import some first"
    )


def _check_floor(floor: str | None, already: float) -> None:
    if floor == UNKNOWN:
        raise BudgetExceeded(
            "this vault was restored without the one it replaces, so what was spent is not known; "
            "the privacy officer must declare it: `anamnesis privacy --declare-spent EPSILON`"
        )
    if floor is not None and float(floor) > already + 1e-9:
        raise BudgetExceeded(
            f"epsilon {float(floor):g} was spent before this vault was restored, and its "
            "ledger lacks the debits; no further run can be composed with them over these patients"
        )


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


def known_diseases(disease_ids: Sequence[str], base: VersionContent) -> tuple[str, ...]:
    """The ids, each once and in order. Raises UsageError for one that the model lacks.

    What is no id isn't quoted: it may be of a note.
    """
    if not disease_ids:
        raise UsageError("no disease is named; name one id a line, such as OMIM:154700")
    strange = [place for place, said in enumerate(disease_ids, 1) if not DISEASE_ID.fullmatch(said)]
    if strange:
        raise UsageError(f"entry {strange[0]} of the declared diseases is no id such as OMIM:154700")
    unknown = sorted(set(disease_ids) - set(base.labels))
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise UsageError(f"the model knows no {', '.join(unknown[:3])}{more}; declare diseases that it knows")
    return tuple(sorted(set(disease_ids)))


def declare_diseases(vault: Vault, disease_ids: Sequence[str]) -> None:
    """Say which diseases the site treats. It is public: choose it without looking at the patients."""
    vault.require(Right.PLAN)
    wanted = sorted(set(disease_ids))
    vault.set_setting(
        DECLARED_SETTING,
        msgspec.json.encode(wanted).decode(),
        action="diseases-declared",
        detail=f"{len(wanted)} diseases",
    )
