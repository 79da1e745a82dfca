"""What the trainer and its parent say to each other, as frames (`ml/frames.py`).

    parent                      trainer
    start {job, patients}  ──►
                           ◄──  planning {share}                          of a long run's blocks, 0 to 1
                           ◄──  planned {noise_multiplier, epsilons}      one epsilon a block
                           ◄──  ready {}                                  every note is read
    grant {}               ──►  (only after the ledger entry is on disk)
                           ◄──  progress {step, epsilon, steps_per_second}
                           ◄──  validated {step, top1, top10, loss}       at a start, and after some blocks
                           ◄──  checkpoint {state}                        after each block
    grant {} | stop {}     ──►
                           ◄──  result {tensors, fusion}
                           ◄──  refused {reason}                          instead of any of these

A patient is a number, her notes' texts, a label's row and what a graph says of her; no name, no id, no key
crosses the pipe. What is `validated` is the model as released so far, on the job's own public notes
(`validation`).
"""

from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

DIAGNOSIS, MLM = "diagnosis", "mlm"
TOLD_BLOCKS = 100  # after so many planned blocks their share is told
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
    head, synthetic notes of the declared diseases (`coordinates`); `public_messages` are synthetic too, of
    people with any disease (`directions`). `most_noise` above 0 keeps the rate so
    small that all noise moves a logit by no more (`schedule`). With several `devices` each has a trainer; the
    one of `rank` 0 holds this conversation, the others only follow it. They find each other by a file,
    `meeting`. The encoder is on the `device`, `cpu` or `cuda`; what is told and kept is not. `validation` are
    public notes by which the model is judged before the first step, after every `validate_blocks` blocks, and
    after the last; none, and nothing is judged. `leaders` (int32) are the rows under which labels are
    shown; where there are some, a head's last steps look at how text and graph may weigh (`fusion_looks`).
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
    public_messages: tuple[str, ...] = ()
    devices: int = 1
    rank: int = 0
    meeting: str = ""
    most_noise: float = 0.0
    device: str = "cpu"
    validation: tuple[ValidationNote, ...] = ()
    validate_blocks: int = 1
    leaders: bytes = b""


@dataclass(frozen=True, slots=True)
class Beside:
    """What speaks for each disease beside a patient's text, in natural logs: of the likeliest, one by one.

    `rows` (int32) are their labels', -1 where the model lacks the disease; `shares` (float32) what speaks for
    each; `rest` is the log of the sum of all others' exponentials. `text_weight` is the text's, as shipped.
    """

    rows: bytes
    shares: bytes
    rest: float
    text_weight: float

    def of_labels(self, labels: int) -> npt.NDArray[np.float64]:
        """Of every label, then of the diseases that the model lacks; the others share `rest` evenly."""
        rows, shares = np.frombuffer(self.rows, np.int32), np.frombuffer(self.shares, np.float32)
        known = rows >= 0
        others = max(1, labels - int(known.sum()))
        whole = np.full(labels, self.rest - np.log(others))
        whole[rows[known]] = shares[known]
        return np.concatenate([whole, shares[~known]])


@dataclass(frozen=True, slots=True)
class TrainingPatient:
    """One pseudonymous patient; `beside` where both her text and her findings speak."""

    number: int
    texts: tuple[str, ...]
    label: int
    beside: Beside | None = None


def encode_start(job: TrainingJob, patients: list[TrainingPatient]) -> dict[str, object]:
    """The first frame."""
    return {
        "kind": "start",
        "job": msgspec.to_builtins(job, builtin_types=(bytes,)),
        "patients": [msgspec.to_builtins(p, builtin_types=(bytes,)) for p in patients],
    }


def decode_start(frame: dict[str, object]) -> tuple[TrainingJob, list[TrainingPatient]]:
    """The job and the patients of a first frame."""
    job = msgspec.convert(frame["job"], TrainingJob, builtin_types=(bytes,))
    return job, msgspec.convert(frame["patients"], list[TrainingPatient], builtin_types=(bytes,))
