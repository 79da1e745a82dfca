"""A whole run in one block, by the worker itself: all that it tells of it."""

import io
from collections.abc import Sequence
from typing import Any

from ml.frames import read_frame, write_frame
from ml.training import worker
from ml.training.messages import TrainingJob, TrainingPatient, encode_start


def frames_of(job: TrainingJob, people: Sequence[TrainingPatient]) -> list[dict[str, Any]]:
    """From the plan to the result; one grant is given."""
    inward, outward = io.BytesIO(), io.BytesIO()
    write_frame(inward, encode_start(job, list(people)))
    write_frame(inward, {"kind": "grant"})
    inward.seek(0)
    worker.serve(inward, outward)
    outward.seek(0)
    frames = []
    while (frame := read_frame(outward)) is not None:
        frames.append(frame)
    return frames
