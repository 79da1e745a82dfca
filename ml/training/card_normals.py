"""Normal numbers from random words, on the device where the words lie.

The processor makes the words (a ChaCha20 key stream, `ml/privacy/csprng`), which is cheap and leaves Python's
lock free; logarithms and roots of double precision take a graphics card a few milliseconds for twenty million
numbers. The method is the processor's own, so its argument for the tails holds here too.
"""

import math

import torch

from ml.privacy.csprng import GRID, INSIDE, RADIUS

_AT_ONCE = 1 << 22  # points: bounds what is held beside the words


def words_needed(count: int) -> int:
    """How many words so many normals take, with a margin of twenty standard deviations and more; even."""
    points = count / 2 / INSIDE
    return 2 * math.ceil(points + 12 * math.sqrt(points) + 64)


def grid_normals(words: torch.Tensor, count: int) -> torch.Tensor:
    """Standard normal numbers in units of 1 / GRID, each a whole number; float64 (count,).

    `words`: int64 (`words_needed`,), uniform: the x of every point, then the y. Polar method (Marsaglia, Bray
    1964). Raises RuntimeError where too few points lie in the circle.
    """
    made, done, half = words.new_empty(count, dtype=torch.float64), 0, len(words) // 2
    for start in range(0, half, _AT_ONCE):
        end = min(start + _AT_ONCE, half)
        points = [words[first + start : first + end].double() for first in (0, half)]
        square = points[0].square().add_(points[1].square())
        inside = torch.nonzero((square < RADIUS**2) & (square > 0)).squeeze(1)[: (count - done + 1) // 2]
        square = square[inside]
        factor = (square / RADIUS**2).log_().mul_(-2 * GRID**2).div_(square).sqrt_()
        for coordinates in points:
            found = made[done : done + len(inside)]
            torch.mul(coordinates[inside[: len(found)]], factor[: len(found)], out=found).round_()
            done += len(found)
    if done < count:
        raise RuntimeError("too few random words for a step's noise")
    return made
