"""The privacy ledger: what has been spent on a set of patients, and what may still be.

An entry is written before its steps run. Epsilon is always computed from the entries, never from
a checkpoint; all entries over the same patients compose.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ml.privacy.rdp import ORDERS, epsilon_of_rdp, step_rdp

MECHANISM = "poisson-subsampled-gaussian"
Mechanism = tuple[float, float, int]  # noise multiplier, sample rate, steps


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One block of steps of a Poisson-subsampled Gaussian mechanism; the unit is the patient.

    `epsilon_after` is the composed epsilon at `delta` over every entry of `patient_set` so far,
    this one included. `task` says what was learned: `diagnosis`, or `mlm` from notes without labels.
    """

    run_id: str
    patient_set: str
    mechanism: str
    sample_rate: float
    noise_multiplier: float
    max_grad_norm: float
    steps: int
    delta: float
    epsilon_after: float
    at: str
    task: str = "diagnosis"


def of_patients(entries: Iterable[LedgerEntry], patient_set: str) -> tuple[LedgerEntry, ...]:
    """The entries about one set of patients."""
    return tuple(entry for entry in entries if entry.patient_set == patient_set)


def mechanisms(entries: Iterable[LedgerEntry]) -> tuple[Mechanism, ...]:
    """An accountant's history of a ledger, equal neighbours joined."""
    history: tuple[Mechanism, ...] = ()
    for entry in entries:
        history = followed_by(history, (entry.noise_multiplier, entry.sample_rate, entry.steps))
    return history


def followed_by(history: Iterable[Mechanism], then: Mechanism) -> tuple[Mechanism, ...]:
    """A history and what came after it; one more of the same is the same for longer."""
    whole = tuple(history)
    if whole and whole[-1][:2] == then[:2]:
        return (*whole[:-1], (*then[:2], whole[-1][2] + then[2]))
    return (*whole, then)


def epsilon_bound(history: Iterable[Mechanism], delta: float) -> float:
    """An upper bound on the composed epsilon by RDP; 0 for an empty history."""
    total = np.zeros(len(ORDERS))
    for noise_multiplier, sample_rate, steps in history:
        total += steps * step_rdp(sample_rate, noise_multiplier)
    return epsilon_of_rdp(total, delta) if total.any() else 0.0


def spent(entries: Iterable[LedgerEntry]) -> float:
    """The largest epsilon that the ledger has recorded; 0 for an empty one."""
    return max((entry.epsilon_after for entry in entries), default=0.0)
