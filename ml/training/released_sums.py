"""Turns a step's sums into what is released: noise is added, then they are divided, and only then rounded.

Several threads make the noise. Every stretch of the sums has a generator of its own, so that what is added
does not depend on how many threads there are. On the processor a piece gets its noise while it is in the
cache. For sums on a graphics card the processor makes random words ahead, while the sums are being formed;
the card turns them into normal numbers (`card_normals`) and adds those, in the same arithmetic. (Normals by
numpy would hold Python's lock too often beside the thread that feeds the card.) No noise outlives its step.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, TypeVar

import numpy as np
import torch

from ml.privacy.csprng import GRID, PIECE, SecureRandom, Workspace
from ml.training.card_normals import grid_normals, words_needed
from ml.training.devices import CPU, noise_threads

STRETCH = 4 * PIECE  # coordinates at most, for one generator

Stretch = list[torch.Tensor]  # pieces, each a view
Part = TypeVar("Part")  # what one generator fills


class StepNoise(Protocol):
    """The noise of one step, used once. A context: once it is left, no thread works on it any more."""

    def release(self, sums: Sequence[torch.Tensor], spread: float, *, divisor: float) -> None:
        """Put into each sum what is released, with noise of this standard deviation."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def step_noise(sums: Sequence[torch.Tensor], random: SecureRandom) -> StepNoise:
    """Noise for sums of the sizes, and on the device, of these."""
    return (NoiseInPlace if sums[0].device.type == CPU else NoiseAhead)(sums, random)


class _Threads:
    def __init__(self, device: torch.device):
        self._pool = ThreadPoolExecutor(noise_threads(device), "noise")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _each(
        self, work: Callable[[Part, SecureRandom], None], parts: Sequence[Part], random: SecureRandom
    ) -> list[Future[None]]:
        generators = random.branches(len(parts))
        return [self._pool.submit(work, part, own) for part, own in zip(parts, generators, strict=True)]


class NoiseInPlace(_Threads):
    """Made and added piece by piece, once the sums are there: nothing more is held than a piece."""

    def __init__(self, sums: Sequence[torch.Tensor], random: SecureRandom):
        super().__init__(sums[0].device)
        self._random = random

    def release(self, sums: Sequence[torch.Tensor], spread: float, *, divisor: float) -> None:
        """Put into each sum what is released, with noise of this standard deviation."""

        def add(stretch: Stretch, random: SecureRandom) -> None:
            room = Workspace(PIECE)
            for piece in stretch:
                noise = torch.from_numpy(random.grid_gaussians(piece.numel(), room=room))
                released = noisy(piece, noise, spread).numpy()
                np.divide(released, divisor, out=piece.numpy(), casting="same_kind")

        for done in self._each(add, list(_stretches(sums)), self._random):
            done.result()


class NoiseAhead(_Threads):
    """Its words are made from now on, in main memory; its numbers where the sums lie."""

    def __init__(self, sums: Sequence[torch.Tensor], random: SecureRandom):
        super().__init__(sums[0].device)
        self._counts = [total.numel() for total in sums]
        pinned = torch.cuda.is_available()  # a card fetches such memory by itself
        count = words_needed(sum(self._counts))
        self._words = torch.empty(count, dtype=torch.int64, pin_memory=pinned)
        self._made: list[Future[None]] | None = self._each(_fill, torch.split(self._words, STRETCH), random)

    def release(self, sums: Sequence[torch.Tensor], spread: float, *, divisor: float) -> None:
        """Put into each sum what is released. Raises RuntimeError the second time."""
        if self._made is None:
            raise RuntimeError("noise is used once")
        made, self._made = self._made, None
        for done in made:
            done.result()
        words = self._words.to(sums[0].device, non_blocking=True)
        together = torch.cat([total.view(-1) for total in sums])
        noise = grid_normals(words, len(together))
        released = noisy(together, noise, spread).div_(divisor)
        for total, own in zip(sums, torch.split(released, self._counts), strict=True):
            total.copy_(own.view_as(total))


def noisy(total: torch.Tensor, noise: torch.Tensor, spread: float) -> torch.Tensor:
    """A sum with noise of this standard deviation, in double precision: both whole numbers of one grid.

    `noise` counts units of 1 / GRID, and is overwritten.
    """
    if spread == 0:
        return total.double()
    unit = spread / GRID
    if total.device.type != CPU:
        return noise.add_(total.to(torch.float64, copy=True).div_(unit).round_()).mul_(unit)
    whole = np.divide(total.numpy(), unit, dtype=np.float64)  # torch would share out a piece among threads
    units = noise.numpy()
    units += np.rint(whole, out=whole)
    units *= unit
    return noise


def _fill(words: torch.Tensor, random: SecureRandom) -> None:
    random.fill(words.numpy())


def _stretches(sums: Iterable[torch.Tensor]) -> Iterator[Stretch]:
    """Every sum's pieces in order, as many together as fit."""
    stretch: Stretch = []
    for piece in (piece for total in sums for piece in torch.split(total.view(-1), PIECE)):
        if stretch and sum(p.numel() for p in stretch) + piece.numel() > STRETCH:
            yield stretch
            stretch = []
        stretch.append(piece)
    if stretch:
        yield stretch
