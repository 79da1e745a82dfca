"""The privacy ledger as a history of runs."""

from collections.abc import Iterable
from dataclasses import dataclass

from ml.privacy.ledger import LedgerEntry

COLUMNS = ("Begun (UTC)", "Run", "Steps", "Noise", "Sample rate", "Clipping", "ε after", "δ")
FIRST_NUMBER = 2  # the columns from here on hold numbers


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run: the sum of its debits; `epsilon_after` composes every run before it, too."""

    run_id: str
    at: str
    steps: int
    noise_multiplier: float
    sample_rate: float
    max_grad_norm: float
    epsilon_after: float
    delta: float
    task: str = "diagnosis"

    def cells(self) -> tuple[str, ...]:
        """As text, in the order of COLUMNS."""
        return (
            self.at[:16].replace("T", "  "),
            self.run_id[:12] + ("  notes only" if self.task == "mlm" else ""),
            f"{self.steps:,}",
            f"{self.noise_multiplier:.2f}",
            f"{self.sample_rate:.3g}",
            f"{self.max_grad_norm:g}",
            f"{self.epsilon_after:.2f}",
            delta_text(self.delta),
        )


def delta_text(delta: float) -> str:
    """A delta as people write it: `1e-5`."""
    mantissa, exponent = f"{delta:.1e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def run_rows(ledger: Iterable[LedgerEntry]) -> tuple[RunRow, ...]:
    """Runs, latest first."""
    rows: dict[str, RunRow] = {}
    for entry in ledger:
        known = rows.get(entry.run_id)
        rows[entry.run_id] = RunRow(
            run_id=entry.run_id,
            at=known.at if known else entry.at,
            steps=(known.steps if known else 0) + entry.steps,
            noise_multiplier=entry.noise_multiplier,
            sample_rate=entry.sample_rate,
            max_grad_norm=entry.max_grad_norm,
            epsilon_after=entry.epsilon_after,
            delta=entry.delta,
            task=entry.task,
        )
    return tuple(reversed(rows.values()))


def spent_epsilon(ledger: Iterable[LedgerEntry]) -> float:
    """The largest composed epsilon of any set of patients; 0 before the first run."""
    latest = {entry.patient_set: entry.epsilon_after for entry in ledger}
    return max(latest.values(), default=0.0)
