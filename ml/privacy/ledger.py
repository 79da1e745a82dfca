"""The privacy ledger: what has been spent on a set of patients, and what may still be.

An entry is written before its steps run. Epsilon is always computed from the entries, never from
a checkpoint; all entries over the same patients compose.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One block of steps of a Poisson-subsampled Gaussian mechanism; the unit is the patient.

    `epsilon_after` is the composed epsilon at `delta` over every entry of `patient_set` so far,
    this one included.
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
