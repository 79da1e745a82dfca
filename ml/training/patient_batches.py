"""Puts patients into micro-batches: each patient whole, with others of like size.

A patient's gradient is clipped as one, so all of her parts (windows of her notes) must meet in one pass. In a
micro-batch everybody has the same number of parts and parts of like length: little is padding, and a
patient's tokens are one reshape away. The clipped sum does not depend on who shares a micro-batch. Whoever
has more parts than fit is a micro-batch of her own, read in several passes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from ml.text.tokenizer import Window

Part = Window | torch.Tensor  # a window of tokens, or its cached states (tokens, hidden)
MOST_TOKENS = 2048  # padded tokens in one pass


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient's parts and the row of her disease."""

    parts: tuple[Part, ...]
    label: int


def part_length(part: Part) -> int:
    """Tokens of a part, special ones included."""
    return len(part.ids) if isinstance(part, Window) else len(part)


def micro_batches(patients: Sequence[Patient], most_tokens: int = MOST_TOKENS) -> Iterator[list[Patient]]:
    """Patients with as many parts each, the shortest first; at most `most_tokens` padded tokens together.

    One patient alone may be larger than that. A patient without a part has no gradient and is left out.
    """
    batch: list[Patient] = []
    for patient in sorted((p for p in patients if p.parts), key=_size):
        count, longest = _size(patient)
        alike = bool(batch) and len(batch[0].parts) == count
        if batch and not (alike and (len(batch) + 1) * count * longest <= most_tokens):
            yield batch
            batch = []
        batch.append(patient)
    if batch:
        yield batch


def fits(patient: Patient, most_tokens: int = MOST_TOKENS) -> bool:
    """Whether a patient can be read in one pass."""
    count, longest = _size(patient)
    return count * longest <= most_tokens


def _size(patient: Patient) -> tuple[int, int]:
    return len(patient.parts), max(map(part_length, patient.parts))
