"""What the trainer and its parent say to each other, as frames (`ml/frames.py`).

    parent                      trainer
    start {job, patients}  ──►
                           ◄──  planned {noise_multiplier, epsilons}      one epsilon a block
    grant {}               ──►  (only after the ledger entry is on disk)
                           ◄──  progress {step, epsilon, steps_per_second}
                           ◄──  validated {step, top1, top10, loss}       at a start, and after some blocks
                           ◄──  checkpoint {state}                        after each block
    grant {} | stop {}     ──►
                           ◄──  result {tensors}
                           ◄──  refused {reason}                          instead of any of these

A patient is a number, her notes' texts and a label's row; no name, no id, no key crosses the pipe. What is
`validated` is the model as released so far, on the job's own public notes (`validation`).
"""

from dataclasses import dataclass

import msgspec

DIAGNOSIS, MLM = "diagnosis", "mlm"
TASKS = (DIAGNOSIS, MLM)


@dataclass(frozen=True, slots=True)
class ValidationNote:
    """A synthetic note and the row of its disease, which is a declared one."""

    text: str
    label: int


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """Everything a run needs beside the patients. All numbers are public constants.

    `declared` are the rows of the head that may change: the diseases that the site declares to treat, chosen
    without looking at the patients. `history` is what the ledger holds of these patients already. The task
    `mlm` learns from the notes without labels; `public_texts` are what its decoder is fitted on or, for a
    head, synthetic notes of the declared diseases (`coordinates`). `most_noise` above 0 keeps the rate so
    small that all noise moves a logit by no more (`schedule`). With several `devices` each has a trainer; the
    one of `rank` 0 holds this conversation, the others only follow it. They find each other by a file,
    `meeting`. The encoder is on the `device`, `cpu` or `cuda`; what is told and kept is not. `validation` are
    public notes by which the model is judged before the first step, after every `validate_blocks` blocks, and
    after the last; none, and nothing is judged.
    """

    scope: str
    tensors: bytes
    labels: tuple[str, ...]
    declared: tuple[int, ...]
    target_epsilon: float
    delta: float
    sample_rate: float
    steps: int
    block_steps: int
    max_grad_norm: float
    learning_rate: float
    expected_batch: float
    history: tuple[tuple[float, float, int], ...] = ()
    encoder_dir: str = ""
    threads: int = 2
    resume_from: bytes = b""
    done_steps: int = 0
    noise_multiplier: float = 0.0
    optimizer: str = "adamw"
    weight_decay: float = 0.0
    schedule: str = "constant"
    dropout: float = 0.0
    clipping: str = "flat"
    backend: str = "book-keeping"
    task: str = DIAGNOSIS
    public_texts: tuple[str, ...] = ()
    devices: int = 1
    rank: int = 0
    meeting: str = ""
    most_noise: float = 0.0
    device: str = "cpu"
    validation: tuple[ValidationNote, ...] = ()
    validate_blocks: int = 1


@dataclass(frozen=True, slots=True)
class TrainingPatient:
    """One pseudonymous patient."""

    number: int
    texts: tuple[str, ...]
    label: int


def encode_start(job: TrainingJob, patients: list[TrainingPatient]) -> dict[str, object]:
    """The first frame."""
    return {
        "kind": "start",
        "job": msgspec.to_builtins(job, builtin_types=(bytes,)),
        "patients": [msgspec.to_builtins(p) for p in patients],
    }


def decode_start(frame: dict[str, object]) -> tuple[TrainingJob, list[TrainingPatient]]:
    """The job and the patients of a first frame."""
    job = msgspec.convert(frame["job"], TrainingJob, builtin_types=(bytes,))
    return job, msgspec.convert(frame["patients"], list[TrainingPatient])
