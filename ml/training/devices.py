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
MOST_TOKENS, MOST_TOKENS_ON_A_CARD = 2048, 32_768  # at once
MOST_STATES_ON_A_CARD = 16_384  # of tokens whose states are brought over from main memory
BYTES_OF_A_NUMBER = 8  # that a layer of products reads or gives: itself and what is kept or written out of it
SHARE_OF_A_CARD = 0.6  # of its memory, for a pass
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


def tokens_at_once(module: nn.Module, *, states: bool = False) -> int:
    """In one pass at most: a processor wants what its caches hold, a card enough to do, within its memory."""
    device, most = device_of(module), MOST_STATES_ON_A_CARD if states else MOST_TOKENS_ON_A_CARD
    if device.type != CUDA:
        return MOST_TOKENS if device.type == CPU else most
    numbers = sum(
        layer.in_features + layer.out_features
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and "layer." in name  # the head reads windows, not tokens
    )
    room = SHARE_OF_A_CARD * torch.cuda.get_device_properties(device).total_memory
    return max(MOST_TOKENS, min(most, int(room / (BYTES_OF_A_NUMBER * numbers))))


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
