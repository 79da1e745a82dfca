"""Noise of several threads: one key gives the same however many they are; used once, and none is kept."""

import threading

import pytest
import torch

from ml.privacy.csprng import SecureRandom
from ml.training import released_sums
from ml.training.released_sums import STRETCH, NoiseAhead, NoiseInPlace
from tests.ml.training.tiny_people import largest_difference

KEY = b"k" * 32
COUNTS = (STRETCH + 3, 1, 70_000, 384, 384, 5)


def sums() -> list[torch.Tensor]:
    return [torch.linspace(-1, 1, count) for count in COUNTS]


def noise_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("noise")]


@pytest.mark.parametrize("way", [NoiseInPlace, NoiseAhead])
@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_released_depends_on_the_key_alone(
    way: type[NoiseInPlace | NoiseAhead], threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, generators = sums(), SecureRandom(KEY).branches(2)  # the second begins within the first sum
    first = torch.cat([torch.from_numpy(generators[0].grid_gaussians(released_sums.PIECE)) for _ in range(8)])
    second = [generators[1].grid_gaussians(count) for count in (3, 1, 1 << 15, 1 << 15, 70_000 - (1 << 16))]
    noise = torch.cat([first, *map(torch.from_numpy, second)]) * (0.5 / 2.0**36)
    monkeypatch.setattr(released_sums, "noise_threads", lambda _device: threads)
    released = sums()
    with way(released, SecureRandom(KEY)) as made:
        made.release(released, 0.5, divisor=4.0)
    told = torch.cat(released)[: len(noise)]
    assert torch.allclose(told, ((torch.cat(slow)[: len(noise)].double() + noise) / 4).float(), atol=1e-7)


def test_noise_made_ahead_is_used_once() -> None:
    released = sums()
    with NoiseAhead(released, SecureRandom()) as noise:
        noise.release(released, 1.0, divisor=1.0)
        before = [total.clone() for total in released]
        with pytest.raises(RuntimeError, match="used once"):
            noise.release(released, 1.0, divisor=1.0)
    assert largest_difference(before, released) == 0


@pytest.mark.parametrize("way", [NoiseInPlace, NoiseAhead])
def test_a_step_that_fails_leaves_no_thread_behind(way: type[NoiseInPlace | NoiseAhead]) -> None:
    released = [torch.zeros(20 * STRETCH)]
    with pytest.raises(KeyboardInterrupt), way(released, SecureRandom()):
        raise KeyboardInterrupt
    assert noise_threads() == []


def test_a_thread_that_fails_fails_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sum may be told with a stretch of it unnoised."""

    def broken(_self: SecureRandom, _count: int) -> None:
        raise MemoryError

    monkeypatch.setattr(SecureRandom, "grid_gaussians", broken)
    for way in (NoiseInPlace, NoiseAhead):
        with pytest.raises(MemoryError), way(sums(), SecureRandom()) as noise:
            noise.release(sums(), 1.0, divisor=1.0)
        assert noise_threads() == []
