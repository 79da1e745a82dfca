"""Normals made where the words lie: the processor's own method, standard, independent, on the grid."""

import numpy as np
import pytest
import torch
from scipy import stats

from ml.privacy.csprng import GRID, RADIUS, SecureRandom
from ml.training import card_normals
from ml.training.card_normals import grid_normals, words_needed

COUNT = 400_001


def words(count: int = COUNT, key: bytes = b"w" * 32) -> torch.Tensor:
    made = np.empty(words_needed(count), np.int64)
    SecureRandom(key).fill(made)
    return torch.from_numpy(made)


def test_each_is_what_the_polar_method_makes_of_two_words() -> None:
    made = words(300)
    half, slow = len(made) // 2, ([], [])  # type: tuple[int, tuple[list[float], list[float]]]
    for x, y in zip(made[:half].tolist(), made[half:].tolist(), strict=True):
        square = (x / RADIUS) ** 2 + (y / RADIUS) ** 2
        if 0 < square < 1:
            for found, point in zip(slow, (x, y), strict=True):
                found.append(point / RADIUS * np.sqrt(-2 * np.log(square) / square))
    expected = slow[0][:150] + slow[1][:150]
    assert np.allclose(grid_normals(made, 300).numpy() / GRID, expected, atol=1e-9)


def test_they_are_standard_normal_and_independent() -> None:
    found = grid_normals(words(), COUNT).numpy() / GRID
    assert stats.kstest(found, "norm").pvalue > 0.01
    assert abs(found.std() - 1) < 0.005
    half = COUNT // 2 + 1
    for one, other in ((found[: half - 1], found[half:]), (found[:-1], found[1:])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.01
        assert abs(np.corrcoef(one**2, other**2)[0, 1]) < 0.01
    least, most = stats.poisson.interval(0.999, COUNT * 2 * stats.norm.sf(4))
    assert least <= (np.abs(found) > 4).sum() <= most


def test_each_is_a_whole_number_of_the_grid() -> None:
    made = grid_normals(words(2001), 2001)
    assert torch.equal(made, made.round())
    assert (len(made), made.dtype) == (2001, torch.float64)


def test_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = grid_normals(words(3000), 3000).sort().values
    monkeypatch.setattr(card_normals, "_AT_ONCE", 37)
    assert torch.equal(grid_normals(words(3000), 3000).sort().values, whole)


@pytest.mark.parametrize("count", [1, 2, 3, 500, 501])
def test_the_words_always_do(count: int) -> None:
    for key in range(200):
        assert len(grid_normals(words(count, bytes([key]) * 32), count)) == count


def test_words_that_give_too_few_are_refused() -> None:
    with pytest.raises(RuntimeError, match="too few"):
        grid_normals(torch.full((200,), 2**63 - 1), 100)
    with pytest.raises(RuntimeError, match="too few"):
        grid_normals(torch.zeros(200, dtype=torch.int64), 100)
