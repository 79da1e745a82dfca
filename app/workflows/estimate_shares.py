"""How many cases a ranking puts in the first places, with the interval that other diseases might give.

Cases of one disease, or of one publication, resemble each other: folds keep them together, and the
bootstrap draws whole diseases.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 1000
Ranks = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share (0 to 1) and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Shares:
    """First and first ten places; micro weighs each case alike, macro each disease."""

    top1: Estimate
    top10: Estimate
    macro_top1: Estimate
    macro_top10: Estimate


def estimate_shares(ranks: Ranks, diseases: Sequence[str]) -> Shares:
    """Shares of ranks up to 1 and up to 10, and intervals from RESAMPLES draws of diseases."""
    return Shares(
        *(
            estimate_share(ranks <= places, diseases, macro=macro)
            for macro in (False, True)
            for places in (1, 10)
        )
    )


def estimate_share(
    right: npt.NDArray[np.bool_], diseases: Sequence[str], *, macro: bool, seed: int = 0
) -> Estimate:
    """The share of cases that are right, or of each disease's alike, with the interval."""
    names, owner = np.unique(np.array(diseases), return_inverse=True)
    counts = np.bincount(owner, minlength=len(names)).astype(np.float64)
    drawn = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    hits = np.bincount(owner, right, len(names))
    over, under = (hits / counts, np.ones_like(counts)) if macro else (hits, counts)
    resampled = over[drawn].sum(axis=1) / under[drawn].sum(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975]).tolist()
    return Estimate(float(over.sum() / under.sum()), low, high)


def estimate(
    measure: Callable[[npt.NDArray[np.intp]], float], diseases: Sequence[str], *, seed: int = 0
) -> Estimate:
    """What a measure of some of the cases (their places) says of all, and of RESAMPLES draws of diseases."""
    names, owner = np.unique(np.array(diseases), return_inverse=True)
    own = [np.flatnonzero(owner == name) for name in range(len(names))]
    rng = np.random.default_rng(seed)
    drawn = (
        np.concatenate([own[d] for d in rng.integers(len(own), size=len(own))]) for _ in range(RESAMPLES)
    )
    low, high = np.quantile([measure(some) for some in drawn], [0.025, 0.975]).tolist()
    return Estimate(measure(np.arange(len(owner))), low, high)


def few_of_each(diseases: Sequence[str], count: int) -> list[int]:
    """Places of up to `count` cases of each disease, drawn by chance and always alike."""
    found: dict[str, list[int]] = {}
    for place in np.random.default_rng(0).permutation(len(diseases)).tolist():
        drawn = found.setdefault(diseases[place], [])
        if len(drawn) < count:
            drawn.append(place)
    return sorted(place for places in found.values() for place in places)


def grouped_folds(labels: Iterable[Iterable[Hashable]], count: int) -> list[int]:
    """A fold for each item so that items with a label in common share one; folds of about equal size."""
    items = [tuple(own) for own in labels]
    leader: dict[Hashable, Hashable] = {}

    def find(label: Hashable) -> Hashable:
        while leader.setdefault(label, label) != label:
            leader[label] = leader[leader[label]]
            label = leader[label]
        return label

    for own in items:
        for label in own[1:]:
            leader[find(label)] = find(own[0])
    groups: dict[Hashable, list[int]] = {}
    for place, own in enumerate(items):
        groups.setdefault(find(own[0]), []).append(place)
    fold, sizes = [0] * len(items), [0] * count
    for members in sorted(groups.values(), key=lambda group: (-len(group), group[0])):
        smallest = sizes.index(min(sizes))
        sizes[smallest] += len(members)
        for place in members:
            fold[place] = smallest
    return fold
