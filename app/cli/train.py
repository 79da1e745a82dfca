"""Fine-tunes the model on the vault's confirmed diagnoses with differential privacy."""

import argparse
import signal
import time
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase
from app.config.policy import load_policy
from app.errors import UsageError

if TYPE_CHECKING:
    from app.store.vault import Vault
    from app.workflows.curve_log import CurveLog
    from app.workflows.plan_training import TrainingPlan
    from app.workflows.train_model import TrainingProgress
    from app.workflows.training_curve import CurvePoint

_OF_A_SITTING = ("resume", "log_dir", "threads", "devices", "device")  # of a run that is taken up, too
_SCOPES = ("head", "top", "bitfit", "lora", "adalora", "adapter", "prefix", "full")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what is chosen before a run."""
    _add_plan(parser)
    add_vault_arguments(parser)


def _add_plan(parser: argparse.ArgumentParser) -> None:
    _add_budget(parser)
    _add_people(parser)
    _add_learning(parser)
    _add_machine(parser)


def _add_budget(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the budget")
    group.add_argument(
        "--epsilon", type=float, help="what all runs together may reach with this one (not with --resume)"
    )
    group.add_argument("--delta", type=float, default=1e-5)
    group.add_argument(
        "--cap",
        type=float,
        help="epsilon that no run may ever pass; kept in the vault (first run: --epsilon)",
    )
    group.add_argument(
        "--expected-patients", type=int, default=200, help="a public estimate of the patients learned from"
    )


def _add_people(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("whom it learns from")
    group.add_argument(
        "--task",
        choices=("diagnosis", "mlm"),
        default="diagnosis",
        help="mlm: from the notes of all patients, labelled or not, by guessing hidden words; it spends the "
        "same budget. On the synthetic hospital measured it did not help the diagnosis: leave it out, unless "
        "the gates of your policy say otherwise",
    )
    group.add_argument(
        "--declare", metavar="FILE", help="diseases the site treats: a line begins with an id (public)"
    )
    group.add_argument(
        "--with-coded",
        action="store_true",
        help="where no clinician has spoken, learn from the disease that the record codes (OMIM, Orphanet)",
    )
    group.add_argument(
        "--copies", type=int, default=0, help="texts that tell a patient's findings in other words, each"
    )


def _add_learning(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how it learns")
    group.add_argument("--scope", choices=_SCOPES, help="what learns (default: head; with --task mlm: lora)")
    group.add_argument("--steps", type=int, default=0, help="default: by scope")
    group.add_argument("--sample-rate", type=float, default=0.0, help="chance of each patient at each step")
    group.add_argument(
        "--learning-rate",
        type=float,
        default=0.0,
        help="default: by scope; a head takes less where noise is large",
    )
    group.add_argument("--max-grad-norm", type=float, default=1.0)
    group.add_argument("--optimizer", choices=("adamw", "sgd"), default="", help="default: by scope")
    group.add_argument("--weight-decay", type=float, default=0.0, help="with sgd: an L2 penalty")
    group.add_argument("--schedule", choices=("constant", "linear", "cosine"), default="constant")
    group.add_argument("--dropout", type=float, default=0.0, help="in the encoder; scopes other than head")
    group.add_argument(
        "--clipping",
        choices=("flat", "automatic"),
        default="flat",
        help="automatic: short gradients are lengthened to the norm as well, so it needs no tuning",
    )
    group.add_argument(
        "--backend",
        choices=("book-keeping", "ghost", "hooks"),
        default="book-keeping",
        help="how each patient's gradient is clipped; all give the same sum (hooks: Opacus)",
    )


def _add_machine(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the run")
    group.add_argument("--resume", action="store_true", help="take up a stopped run")
    group.add_argument(
        "--log-dir",
        metavar="DIR",
        help="write a TensorBoard log there, outside the vault: epsilon, speed, the curve on synthetic notes",
    )
    group.add_argument("--threads", type=int, default=2)
    group.add_argument(
        "--devices",
        type=int,
        default=1,
        help="trainers, each on a processor core, that share the patients of a step; scopes other than head",
    )
    group.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cpu",
        help="where the encoder is; cuda needs a graphics card that torch sees",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Progress goes to stderr; an interrupt stops within a second and keeps the last checkpoint."""
    from app.store.vault import Vault
    from app.workflows.curve_log import CurveLog
    from app.workflows.train_model import TrainingProgress, train_model
    from app.workflows.training_curve import CurvePoint

    plan = _plan(arguments)
    declared = _ids(arguments.declare) if arguments.declare else None
    passphrase = read_passphrase(arguments)
    stop = Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase) as vault:
        log = _log(arguments.log_dir, vault.path)
        reports = train_model(vault, plan, declare=declared, stop=stop, policy=load_policy())
        with log, closing(reports):
            for step in reports:
                if isinstance(log, CurveLog):
                    log.add(step)
                if isinstance(step, TrainingProgress):
                    console.progress(_line(step), **asdict(step))
                    run_id = step.run_id
                elif isinstance(step, CurvePoint):
                    console.progress(_curve_line(step), phase="validated", run_id=run_id, **asdict(step))
                else:
                    return _done(console, step.run_id, step.privacy.epsilon, step.privacy.delta)
        console.refuse(_why_stopped(vault, run_id))
    return 1


def _log(folder: str | None, vault: Path) -> "CurveLog | nullcontext[None]":
    from app.workflows.curve_log import CurveLog

    return CurveLog(Path(folder), vault=vault, began=time.time()) if folder else nullcontext()


def _plan(arguments: argparse.Namespace) -> "TrainingPlan":
    from app.workflows.plan_training import TrainingPlan

    if arguments.epsilon is None and not arguments.resume:
        raise UsageError("name what may be spent: --epsilon (a run taken up with --resume keeps its own)")
    if arguments.resume and (named := _named(arguments)):
        raise UsageError(
            f"a run that is taken up keeps its own plan; leave out {', '.join(named)}, or start a new run"
        )
    return TrainingPlan(
        target_epsilon=1.0 if arguments.epsilon is None else arguments.epsilon,
        delta=arguments.delta,
        scope=arguments.scope or ("lora" if arguments.task == "mlm" else "head"),
        task=arguments.task,
        cap=arguments.cap,
        steps=arguments.steps,
        sample_rate=arguments.sample_rate,
        learning_rate=arguments.learning_rate,
        max_grad_norm=arguments.max_grad_norm,
        expected_patients=arguments.expected_patients,
        threads=arguments.threads,
        devices=arguments.devices,
        device=arguments.device,
        resume=arguments.resume,
        with_coded=arguments.with_coded,
        copies=arguments.copies,
        optimizer=arguments.optimizer,
        weight_decay=arguments.weight_decay,
        schedule=arguments.schedule,
        dropout=arguments.dropout,
        clipping=arguments.clipping,
        backend=arguments.backend,
    )


def _named(arguments: argparse.Namespace) -> list[str]:
    """What of a run's own plan was named otherwise than usual."""
    usual = argparse.ArgumentParser()
    _add_plan(usual)
    return [
        f"--{name.replace('_', '-')}"
        for name, value in vars(usual.parse_args([])).items()
        if name not in _OF_A_SITTING and getattr(arguments, name) != value
    ]


def _why_stopped(vault: "Vault", run_id: str) -> str:
    from app.workflows.resume_training import is_resumable

    if is_resumable(vault, run_id):
        return "stopped; what was granted is spent. Take the run up again with --resume"
    if any(entry.run_id == run_id for entry in vault.ledger()):
        return "stopped within the first block of steps, which is spent; start a new run"
    return "stopped before the first step; nothing was spent"


def _done(console: Console, run_id: str, epsilon: float, delta: float) -> int:
    value = {"run_id": run_id, "epsilon": epsilon, "delta": delta}
    console.result(value, f"{run_id}: epsilon {epsilon:.3g} at delta {delta:g}. Next: anamnesis publish")
    return 0


def _line(step: "TrainingProgress") -> str:
    if step.share:
        return f"{step.phase} {step.share:.0%}"
    if not step.steps_per_second:
        return f"{step.phase} {step.step}/{step.steps}  epsilon {step.epsilon:.3f}"
    return (
        f"{step.phase} {step.step}/{step.steps}  epsilon {step.epsilon:.3f}  "
        f"{step.steps_per_second:.1f} steps/s  {step.eta_s:.0f} s left"
    )


def _curve_line(point: "CurvePoint") -> str:
    return (
        f"synthetic notes, step {point.step}: disease first {point.top1:.0%}, among the first ten "
        f"{point.top10:.0%} (of those declared)"
    )


def _ids(name: str) -> list[str]:
    from app.cli.findings import read_text

    return [line.split()[0] for line in read_text(name).splitlines() if line.strip()]
