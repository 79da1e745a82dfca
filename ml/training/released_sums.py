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
from ml.training.devices import CPU, CUDA, noise_threads

STRETCH = 4 * PIECE  # coordinates at most, for one generator
AHEAD = 1 << 21  # words: more at once than a cache holds, since whoever feeds a card waits at every end

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
    """Its words are made from now on, in main memory; its numbers where the sums lie.

    On a graphics card one more thread brings the words over as they come and makes numbers of them, in a
    stream of its own: the card does so beside the forward and backward pass.
    """

    def __init__(self, sums: Sequence[torch.Tensor], random: SecureRandom):
        super().__init__(sums[0].device)
        self._counts, self._device = [total.numel() for total in sums], sums[0].device
        on_a_card = self._device.type == CUDA
        count = words_needed(sum(self._counts))
        self._words = torch.empty(
            count, dtype=torch.int64, pin_memory=on_a_card
        )  # a card fetches such itself
        self._made = self._each(_fill, torch.split(self._words, AHEAD), random)
        self._carrier = ThreadPoolExecutor(1, "noise of a card") if on_a_card else None
        self._carried = self._carrier.submit(self._beside) if self._carrier else None
        self._used = False

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self._carrier is not None:
            self._carrier.shutdown(cancel_futures=True)

    def release(self, sums: Sequence[torch.Tensor], spread: float, *, divisor: float) -> None:
        """Put into each sum what is released. Raises RuntimeError the second time."""
        if self._used:
            raise RuntimeError("noise is used once")
        self._used = True
        noise = self._numbers() if self._carried is None else _waited_for(*self._carried.result())
        together = torch.cat([total.view(-1) for total in sums])
        released = noisy(together, noise, spread).div_(divisor)
        parts = torch.split(released, self._counts)
        torch._foreach_copy_(list(sums), [own.view_as(s) for own, s in zip(parts, sums, strict=True)])

    def _numbers(self) -> torch.Tensor:
        """The step's standard normals, in units of the grid."""
        words = torch.empty_like(self._words, device=self._device)
        for there, here, made in zip(
            torch.split(words, AHEAD), torch.split(self._words, AHEAD), self._made, strict=True
        ):
            made.result()
            there.copy_(here, non_blocking=True)
        return grid_normals(words, sum(self._counts))

    def _beside(self) -> tuple[torch.Tensor, torch.cuda.Event]:
        stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        with torch.cuda.stream(stream):
            return self._numbers(), stream.record_event()


def _waited_for(noise: torch.Tensor, made: torch.cuda.Event) -> torch.Tensor:
    """Numbers of another stream, for this one."""
    here = torch.cuda.current_stream(noise.device)
    here.wait_event(made)
    noise.record_stream(here)
    return noise


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
