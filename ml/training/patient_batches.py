"""Puts patients into micro-batches: each patient whole.

A patient's gradient is clipped as one, so all of her parts (windows of her notes) must meet in one pass. They
stand end to end there, one patient after the other: nothing is padding, and her tokens are one slice. The
clipped sum does not depend on who shares a micro-batch, so its size is the device's choice. Whoever has more
tokens than fit is a micro-batch of her own, read in several passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from ml.text.tokenizer import Window, token_batch
from ml.training.devices import sent
from ml.training.segments import Segments

Part = Window | torch.Tensor  # a window of tokens, or its cached states (tokens, hidden)


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient's parts and the row of her disease."""

    parts: tuple[Part, ...]
    label: int


def part_length(part: Part) -> int:
    """Tokens of a part, special ones included."""
    return len(part.ids) if isinstance(part, Window) else len(part)


def padded_windows(windows: Sequence[Window], device: torch.device) -> tuple[torch.Tensor, ...]:
    """Ids, mask and positions, each (windows, tokens), padded to the longest."""
    return tuple(torch.from_numpy(array).to(device) for array in token_batch(windows).feed().values())


def packed_windows(
    windows: Sequence[Window], device: torch.device
) -> tuple[torch.Tensor, Segments, torch.Tensor]:
    """Windows end to end, in one row: ids (1, tokens), their segments, and positions (1, tokens)."""
    lengths = [len(w.ids) for w in windows]
    ids = torch.tensor([[number for w in windows for number in w.ids]])
    positions = torch.cat([torch.arange(length) for length in lengths]).unsqueeze(0)
    return sent(ids, device), Segments(lengths, device), sent(positions, device)


def micro_batches(patients: Sequence[Patient], most_tokens: int) -> Iterator[list[Patient]]:
    """Patients of at most `most_tokens` tokens together, those with the fewest first.

    One patient alone may be larger than that. A patient without a part has no gradient and is left out.
    """
    batch: list[Patient] = []
    for patient in sorted((p for p in patients if p.parts), key=size):
        if batch and sum(map(size, batch)) + size(patient) > most_tokens:
            yield batch
            batch = []
        batch.append(patient)
    if batch:
        yield batch


def size(patient: Patient) -> int:
    """Tokens of all parts, special ones included."""
    return sum(map(part_length, patient.parts))


def fits(patient: Patient, most_tokens: int) -> bool:
    """Whether a patient can be read in one pass."""
    return size(patient) <= most_tokens
