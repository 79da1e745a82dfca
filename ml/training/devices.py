"""Where an encoder's arithmetic takes place: on the processor or, where asked for, on a graphics card.

There too everything is single precision: the clip holds as far as a patient's length and her part of the sum
are of one exact arithmetic. So autocast is never used, and TF32 stays off in products, which is torch's
default.
"""

import os

import torch
from torch import nn

from ml.errors import TrainingRefused

CPU, CUDA = "cpu", "cuda"
MOST_TOKENS, MOST_TOKENS_ON_A_CARD = 2048, 16_384  # at once
MOST_NOISE_THREADS = 4  # more wait for one another: they need Python's lock between any two operations


def training_device(name: str) -> torch.device:
    """Raises TrainingRefused for an unknown name, and where torch sees no graphics card."""
    if name not in (CPU, CUDA):
        raise TrainingRefused(f"there is no device {name!r}; choose one of {CPU}, {CUDA}")
    if name == CUDA and not torch.cuda.is_available():
        raise TrainingRefused(
            "torch sees no graphics card here; install the CUDA build of torch and the card's driver, or "
            "train with --device cpu"
        )
    return torch.device(name)


def device_of(module: nn.Module) -> torch.device:
    """Where a module's parameters lie, all of them."""
    return next(module.parameters()).device


def tokens_at_once(device: torch.device) -> int:
    """In one pass at most: a processor wants what stays in its caches, a card enough to do at once."""
    return MOST_TOKENS if device.type == CPU else MOST_TOKENS_ON_A_CARD


def noise_threads(device: torch.device) -> int:
    """How many make the noise of a step there: beside a card the processor has little else to do."""
    free = torch.get_num_threads() if device.type == CPU else (os.cpu_count() or 1) - 1
    return max(1, min(MOST_NOISE_THREADS, free))


def in_groups(device: torch.device) -> bool:
    """Whether windows and patients are padded and gone through together there: a card waits for launches."""
    return device.type != CPU


def sent(numbers: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Numbers of main memory, there; nobody waits until a card has them."""
    if device.type == CUDA:
        return numbers.pin_memory().to(device, non_blocking=True)
    return numbers.to(device)
