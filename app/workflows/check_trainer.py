"""Self-test of the trainer: private steps on synthetic patients, an export compared with torch."""

import subprocess
from threading import Event, Timer
from typing import Any

from app.config.program import is_packaged, trainer_is_installed, worker_command
from app.errors import BudgetExceeded, PartBroken, WorkerFailed
from app.workflows.export_classifier import export_classifier
from app.workflows.trainer_process import TrainerProcess
from ml.errors import MlError
from ml.evaluation.probe_texts import probe_texts
from ml.registry.export_job import ExportRequest, ExportResult
from ml.registry.model_version import TENSORS_FILE, VersionContent
from ml.training.messages import TrainingJob, TrainingPatient

PATIENTS = (
    TrainingPatient(0, ("A tall boy with arachnodactyly.",), 0),
    TrainingPatient(1, ("Seizures since infancy.", "No hypotonia."), 1),
    TrainingPatient(2, ("A cleft palate.",), 2),
)
STEPS = 2
ANSWER_WITHIN_S = 300.0
PROBES = 4


def trainer_is_absent() -> str:
    """Why training cannot be tried, where its part is not installed; else empty."""
    if trainer_is_installed():
        return ""
    where = (
        "ask IT to install the package anamnesis-trainer" if is_packaged() else "run the bootstrap's setup"
    )
    return f"models can be used, not trained or published; to train, {where}"


def check_training(starting: VersionContent) -> str:
    """The worker plans its noise, waits for the grant, takes the steps and hands tensors over."""
    frames = _frames(starting)
    if [frame["kind"] for frame in frames] != [
        "planned",
        "ready",
        *["progress"] * STEPS,
        "checkpoint",
        "result",
    ]:
        raise PartBroken(f"the trainer does not follow its protocol; {_reinstall()}")
    epsilon = float(frames[-3]["epsilon"])
    if not epsilon > 0:
        raise PartBroken(f"the trainer reports no privacy loss; train nothing and {_reinstall()}")
    return f"{STEPS} private steps on {len(PATIENTS)} synthetic patients, epsilon {epsilon:.2f} accounted"


def check_export(starting: VersionContent) -> str:
    """The export worker assembles the shipped model again, byte for byte, and compares it with torch."""
    request = ExportRequest(
        tensors=starting.files[TENSORS_FILE],
        labels=starting.labels,
        probes=probe_texts(["Arachnodactyly", "Cleft palate", "Seizure"], count=PROBES),
        graphs=starting.graphs,
    )
    try:
        *_, made = export_classifier(request)
    except (WorkerFailed, MlError) as error:
        raise PartBroken(f"{error} {_last_words('export')}") from error
    assert isinstance(made, ExportResult)
    if made.onnx_sha256 != starting.version.card.onnx_sha256:
        raise PartBroken(f"the export does not give the shipped model again; {_reinstall()}")
    return f"the shipped model made again; torch and ONNX differ by {made.parity.fp32_max_abs_diff:.1g}"


def _frames(starting: VersionContent) -> list[dict[str, Any]]:
    late = Event()
    timer = Timer(ANSWER_WITHIN_S, late.set)
    timer.start()
    frames: list[dict[str, Any]] = []
    try:
        with TrainerProcess() as trainer:
            trainer.start(_job(starting), list(PATIENTS))
            while not frames or frames[-1]["kind"] != "result":
                frame = trainer.receive(late)
                if frame is None:
                    raise PartBroken(f"the trainer gave no answer in {ANSWER_WITHIN_S:.0f} s; free memory")
                frames.append(frame)
                if frame["kind"] == "planned":
                    trainer.grant()
    except (WorkerFailed, BudgetExceeded) as error:
        raise PartBroken(f"the trainer does not work; {_reinstall()}. {_last_words('train')}") from error
    finally:
        timer.cancel()
    return frames


def _job(starting: VersionContent) -> TrainingJob:
    return TrainingJob(
        scope="head",
        tensors=starting.files[TENSORS_FILE],
        labels=starting.labels,
        declared=tuple(range(len(PATIENTS))),
        target_epsilon=100.0,
        delta=1e-5,
        sample_rate=0.5,
        steps=STEPS,
        block_steps=STEPS,
        max_grad_norm=1.0,
        learning_rate=0.01,
        expected_batch=len(PATIENTS) / 2,
        noise_multiplier=4.0,
    )


def _last_words(worker: str) -> str:
    """What the worker says when nobody asks it anything: the error it dies of, or nothing."""
    try:
        done = subprocess.run(
            worker_command(worker), stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"It says: {type(error).__name__}"
    words = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"It says: {words[-1][:200]}" if words else f"It ends with code {done.returncode}"


def _reinstall() -> str:
    return "install anamnesis-trainer again" if is_packaged() else "run the bootstrap's setup again"
