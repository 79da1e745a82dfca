"""Noise of several threads: one key gives the same however many they are; used once, and none is kept."""

import threading

import numpy as np
import pytest
import torch

from ml.privacy.csprng import GRID, PIECE, SecureRandom
from ml.training import released_sums
from ml.training.card_normals import grid_normals, words_needed
from ml.training.released_sums import STRETCH, NoiseAhead, NoiseInPlace
from tests.ml.training.tiny_people import largest_difference

KEY = b"k" * 32
COUNTS = (STRETCH + 3, 1, 70_000, 384, 384, 5, 4)


def sums() -> list[torch.Tensor]:
    return [torch.linspace(-1, 1, count) for count in COUNTS]


def noise_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("noise")]


@pytest.mark.parametrize("threads", [1, 3])
def test_what_is_released_depends_on_the_key_alone(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generators = SecureRandom(KEY).branches(2)  # the second begins within the first sum
    first = torch.cat([torch.from_numpy(generators[0].grid_gaussians(PIECE)) for _ in range(4)])
    second = [generators[1].grid_gaussians(count) for count in (3, 1, PIECE, 70_000 - PIECE)]
    noise = torch.cat([first, *map(torch.from_numpy, second)])
    assert_released(NoiseInPlace, noise, threads, monkeypatch)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_card_makes_its_numbers_of_the_keys_words(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released_sums, "AHEAD", 100_000)
    count = sum(COUNTS)
    words = np.empty(words_needed(count), np.int64)
    parts = [words[start : start + 100_000] for start in range(0, len(words), 100_000)]
    for part, generator in zip(parts, SecureRandom(KEY).branches(len(parts)), strict=True):
        generator.fill(part)
    assert_released(NoiseAhead, grid_normals(torch.from_numpy(words), count), threads, monkeypatch)


def assert_released(
    way: type[NoiseInPlace | NoiseAhead], noise: torch.Tensor, threads: int, patch: pytest.MonkeyPatch
) -> None:
    """Told are the sums with this noise, counted in units of the grid, at its start."""
    slow, released = torch.cat(sums()).double(), sums()
    patch.setattr(released_sums, "noise_threads", lambda _device: threads)
    with way(released, SecureRandom(KEY)) as made:
        made.release(released, 0.5, divisor=4.0)
    count = min(len(noise), len(slow))
    expected = (slow[:count] + noise[:count] * (0.5 / GRID)) / 4
    assert torch.allclose(torch.cat(released)[:count], expected.float(), atol=1e-7)


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

    def broken(_self: SecureRandom, _count: int, **_room: object) -> None:
        raise MemoryError

    monkeypatch.setattr(SecureRandom, "grid_gaussians", broken)
    monkeypatch.setattr(SecureRandom, "fill", broken)
    for way in (NoiseInPlace, NoiseAhead):
        with pytest.raises(MemoryError), way(sums(), SecureRandom()) as noise:
            noise.release(sums(), 1.0, divisor=1.0)
        assert noise_threads() == []
