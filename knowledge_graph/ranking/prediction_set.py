"""Which diseases hold the true one in nine of ten patients, and how little a patient looks like any of them.

Split conformal prediction (Vovk, Gammerman and Shafer 2005): a disease belongs to the set where its
total score lies no further below the first one's than the true disease's does in COVERAGE of the
calibration cases, which have their own article left out. It promises nothing where the disease is not in the
knowledge; how much the patient looks so is said by where the second look's strongest candidate stands among
those of the calibration cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from knowledge_graph.ranking.learned_values import numbers_from, numbers_hash, text_of

COVERAGE = 0.9
_STEPS = tuple(range(5, 100, 5))
NAMES = ("gap", *(f"strongest_{step:02d}" for step in _STEPS))
Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SetCalibration:
    """`gap` in points of the total; `strongest`: its 5, 10, ... 95 % quantiles where the disease is known."""

    gap: float
    strongest: tuple[float, ...]

    @classmethod
    @cache
    def load(cls) -> "SetCalibration":
        """What ships with the program. A file edited by hand is our fault: ValueError."""
        return cls.of_text(files("resources.ranking").joinpath("sets.toml").read_text("utf-8"))

    @classmethod
    def of_text(cls, text: str) -> "SetCalibration":
        """From TOML, the hash checked."""
        gap, *strongest = numbers_from(text, NAMES, file="sets.toml").values()
        return cls(gap, tuple(strongest))

    @classmethod
    def of_cases(
        cls, gaps: Sequence[float], strongest: Sequence[float], voices: Floats64
    ) -> "SetCalibration":
        """From calibration cases, each with its voice (n,), positive."""
        return cls(
            weighted_quantile(np.asarray(gaps), voices, COVERAGE),
            tuple(weighted_quantile(np.asarray(strongest), voices, step / 100) for step in _STEPS),
        )

    @property
    def sha256(self) -> str:
        """The hash that names these numbers."""
        return numbers_hash(self._numbers())

    def to_text(self, remarks: str) -> str:
        """As TOML, with remarks on where they come from."""
        return text_of(self._numbers(), remarks)

    def members(self, total: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
        """Numbers of the diseases in the set, best first, for totals (n_diseases,)."""
        inside = np.flatnonzero(gaps_below_first(total) <= self.gap)
        order: npt.NDArray[np.intp] = inside[np.argsort(-total[inside], kind="stable")]
        return order

    def unlike_known(self, strongest: float) -> float:
        """Share of the patients with a known disease who look more like one: 0 to 1."""
        below = float(np.interp(strongest, self.strongest, np.array(_STEPS) / 100, left=0.0, right=1.0))
        return 1.0 - below

    def _numbers(self) -> dict[str, float]:
        return dict(zip(NAMES, (self.gap, *self.strongest), strict=True))


def gaps_below_first(total: npt.NDArray[np.floating]) -> Floats64:
    """How far each disease's total lies below the first one's."""
    exact = np.asarray(total, np.float64)
    gaps: Floats64 = exact.max() - exact
    return gaps


def best_of_ids(total: npt.NDArray[np.floating], shown_as: npt.NDArray[np.intp]) -> Floats64:
    """Totals (n_diseases,), the best of one disease's ids under the id it is shown as; -inf elsewhere."""
    best = np.full(len(total), -np.inf)
    np.maximum.at(best, shown_as, total)
    return best


def weighted_quantile(values: Floats64, voices: Floats64, share: float) -> float:
    """The smallest value that so much of the voices does not exceed; one more voice is counted above all.

    That one is the new patient's own (Tibshirani et al. 2019), the mean of the others'.
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(voices[order]) / (voices.sum() + voices.mean())
    place = int(np.searchsorted(reached, share))
    return float(values[order[place]]) if place < len(values) else float("inf")
