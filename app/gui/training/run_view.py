"""What the training page shows of a run: the plan as asked for, and how far it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.gui.training.run_history import delta_text
from app.workflows.plan_training import MOST_GIVEN_AWAY
from app.workflows.stop_wish import StopWish
from app.workflows.training_curve import CurvePoint
from ml.privacy.ledger import LedgerEntry

SCOPES = (
    ("head", "Head: one row a disease; fast, least budget"),
    ("top", "Top: the encoder's last layer; fast"),
    ("bitfit", "BitFit: the encoder's biases; little noise"),
    ("lora", "LoRA: small changes all over; slower"),
    ("adalora", "AdaLoRA: as LoRA, kept where they count"),
    ("adapter", "Adapters: layers in between; stay here"),
    ("prefix", "Prefix: learned words in front; stay here"),
    ("full", "Full: the whole encoder; slowest"),
)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What was chosen. `cap` is the total that all runs over these patients may spend.

    With `resume`, a stopped run goes on by its own plan.
    """

    epsilon: float
    cap: float
    scope: str
    delta: float = 1e-5
    expected_patients: int = 200  # a public estimate
    resume: bool = False


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What the vault says before a run: labels, debits, the kept cap, declared diseases.

    `resumable` says that a stopped run can go on, `waiting` that a result waits to be published; `curve` is
    the stopped or the last run's.
    """

    patients: int = 0
    ledger: tuple[LedgerEntry, ...] = ()
    cap: float | None = None
    resumable: bool = False
    declared: tuple[str, ...] = ()
    waiting: bool = False
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A report of a run under way; never a loss of patients' notes. `curve` is of synthetic ones.

    `share` (0 to 1) is how far a phase is that reads charts or plans a long run.
    """

    phase: str
    step: int = 0
    steps: int = 0
    epsilon: float = 0.0
    steps_per_s: float = 0.0
    eta_s: float | None = None
    curve: tuple[CurvePoint, ...] = ()
    share: float = 0.0


_OF = {"Preparing": "of the patients' charts read", "Planning": "of the run planned"}
StartRun = Callable[[RunRequest, StopWish], Iterator[RunProgress]]


def refusal(request: RunRequest, *, spent: float, patients: int) -> str:
    """Why a run can't start, or empty; the workflow checks again by the exact accountant."""
    if request.resume:
        return ""
    if patients == 0:
        return "No patient has a confirmed diagnosis yet. Confirm some on their pages first."
    if request.epsilon > request.cap:
        return "The total after this run would lie above the cap. Lower epsilon, or raise the cap."
    if request.epsilon <= spent:
        return f"Epsilon {spent:.2f} is spent already; choose a total above that, or stop training."
    if request.delta > MOST_GIVEN_AWAY / request.expected_patients:
        return f"Delta {delta_text(request.delta)} is too large for so many patients; choose a smaller one."
    return ""


def remaining_text(progress: RunProgress) -> str:
    """Step, speed and time left, as far as they are known; before the first step how far the phase is."""
    if progress.share:
        return f"{progress.share:.0%} {_OF.get(progress.phase, 'done')}"
    parts = [f"step {progress.step:,} of {progress.steps:,}"] if progress.steps else []
    if progress.steps_per_s:
        parts.append(f"{progress.steps_per_s:.1f} steps a second")
    if progress.eta_s is not None:
        minutes, seconds = divmod(round(progress.eta_s), 60)
        parts.append(f"about {minutes} min {seconds:02d} s left" if minutes else f"about {seconds} s left")
    return "  ·  ".join(parts)
