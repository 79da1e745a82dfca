"""Rows of the head from one noisy sum: in which direction from everybody's notes lie those of each disease.

A patient shows one vector: the direction of her notes from the site's centre, in coordinates that public
messages have (their main axes, half whitened), put in the row of her disease, with COUNT beside it to tell
how many have that disease. It is as long as a gradient may be; every step adds up those of whom it drew,
under a step's noise (`looks`). From the sums D (each a mean direction, once divided by its disease's share)
the rows come by linear discriminants with empirical Bayes: with the noise's variance v and the start's own
directions d,

    mu = b d + (D - b d) t / (t + v),    logit of note x:  (x . mu - CALM |mu|^2) / w,

where b, t (how far diseases lie from b d) and w (how far notes lie from their disease's mu) are told by the
sums alone. What noise hides falls back on the start.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, clip_factors
from ml.training.looks import Doubles
from ml.training.own_centre import mean_features

COUNT = 0.2  # of a patient's length
CALM = 0.75  # noise makes a row longer than its disease's notes warrant
AXES = 27.0  # times the root of how many patients of a disease stand against the noise
FEWEST_AXES = 24
WIDE = 2.0  # notes of a disease differ alike in fewer directions than there are axes
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """The mean features of a site's patients, and the deviation of the noise in each number."""

    mean: Doubles
    deviation: float


@dataclass(frozen=True, slots=True)
class Frame:
    """`axes` (hidden, axes): times them, public messages are of length one from their mean, on average.

    `centre` (axes,) is where the site's own notes lie along them.
    """

    axes: Doubles
    centre: Doubles

    @classmethod
    def of_public(cls, features: Floats, count: int, seen: Seen) -> "Frame":
        """The first `count` main axes of public messages (messages, hidden), the wider ones made narrower.

        None of them where no two messages differ. `seen` is the site's centre.
        """
        from_centre = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
        _, widths, axes = np.linalg.svd(from_centre, full_matrices=False)
        there = widths[:count] > 1e-6 * np.abs(features).max(initial=0.0)
        if not there.any():
            return cls(np.zeros((features.shape[1], 0)), np.zeros(0))
        variances = widths[:count][there] ** 2
        halved = axes[:count][there].T / np.sqrt(variances + variances.mean())
        scaled = halved / np.linalg.norm(from_centre @ halved, axis=1).mean()
        return cls(scaled, seen_centre(seen, scaled, features.mean(axis=0, dtype=np.float64)))


def seen_centre(seen: Seen, axes: Doubles, public: Doubles) -> Doubles:
    """Where the site's notes lie along the axes: on the way to the `public` messages' centre as far as they
    show, and off it as far as noise lets that be seen (James, Stein 1961).
    """
    site, way = seen.mean @ axes, public @ axes
    towards = float(np.clip(site @ way / max(float(way @ way), 1e-300), 0, 1)) * way
    off = site - towards
    noise = seen.deviation**2 * float((axes**2).sum())
    return towards + _kept(off, noise)


def axes_for(strength: float, hidden: int) -> int:
    """How many axes noise leaves worth looking along; `strength` as of `Released`."""
    return int(np.clip(AXES * np.sqrt(strength), FEWEST_AXES, hidden // 2))


def directions(frame: Frame, patients: Sequence[PatientFeatures], most: float) -> Doubles:
    """What each patient shows (patients, axes + 1), of length `most`; zero for who has no note."""
    told = np.array([len(p.features) > 0 for p in patients], bool)
    along = mean_features(patients, len(frame.axes)) @ frame.axes - frame.centre
    lengths = np.linalg.norm(along, axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        units = np.sqrt(1 - COUNT**2) * along / np.maximum(lengths, 1e-12)
    shown: Doubles = most * np.concatenate([units, np.full_like(lengths, COUNT)], axis=1)
    shown[~told] = 0
    return shown


def row_sums(
    state: HeadState, frame: Frame, patients: Sequence[PatientFeatures], settings: StepSettings
) -> Doubles:
    """Sum of what the patients of each trained row show (rows, axes + 1), none longer than a gradient may be.

    What is not finite, and a disease that was not declared, count as zero.
    """
    places = {int(row): place for place, row in enumerate(state.rows)}
    declared = [p for p in patients if p.label in places]
    shown = directions(frame, declared, settings.max_grad_norm)
    factors = clip_factors(np.linalg.norm(shown, axis=1), settings.max_grad_norm, "flat")
    well = factors > 0
    total = np.zeros((len(state.rows), shown.shape[1]))
    own = np.array([places[p.label] for p in declared], np.intp)
    np.add.at(total, own[well], factors[well, None] * shown[well])
    return total


@dataclass(frozen=True, slots=True)
class Released:
    """Sums as shares of all patients, of length one each (rows, axes + 1), and their noise's deviation.

    `patients` is how many are expected.
    """

    sums: Doubles
    deviation: float
    patients: float

    @property
    def strength(self) -> float:
        """Patients of a disease for each deviation of the noise, were all diseases alike frequent."""
        return strength(self.deviation, len(self.sums))


def strength(deviation: float, rows: int) -> float:
    """As of `Released`, from public constants."""
    return 1 / max(rows * deviation, 1e-12)


def shares(released: Released) -> Doubles:
    """Of each disease among the patients; alike where noise may have feigned that they differ."""
    seen, noise = released.sums[:, -1] / COUNT, (released.deviation / COUNT) ** 2
    mean, spread = max(float(seen.mean()), 1e-12), float(seen.var())
    feigned = noise * (1 + 3 * np.sqrt(2 / max(len(seen) - 1, 1)))
    kept = 1 - noise / spread if spread > feigned else 0.0
    told: Doubles = np.maximum(mean + kept * (seen - mean), mean / 4)
    return told


def discriminants(released: Released, start: Doubles) -> tuple[float, Doubles, Doubles]:
    """The start's share, and beside it rows (rows, axes) and biases (rows,) for notes in the frame.

    `start` (rows, axes) are the start's directions.
    """
    share = shares(released)[:, None]
    seen = released.sums[:, :-1] / (np.sqrt(1 - COUNT**2) * share)
    axes = seen.shape[1]
    noise = (released.deviation / share) ** 2 + 1 / (axes * released.patients * share)
    common = _kept(seen.mean(axis=0), axes * float(noise.mean()) / len(seen))
    own = start - start.mean(axis=0)
    drawn = max(float((seen * own / noise).sum() / max(float((own**2 / noise).sum()), 1e-300)), 0.0)
    left = seen - common - drawn * own
    apart = max(float((left**2 - noise).mean()), 1e-9)
    moved = left * apart / (apart + noise)
    mean = drawn * own + moved
    within = max(1 - float((mean**2).sum(axis=1).mean()), 0.1) / axes
    scale = 1 / (WIDE * (within + float((apart * noise / (apart + noise)).mean())))
    longer = (mean**2).sum(axis=1) - drawn**2 * (own**2).sum(axis=1)
    return scale * drawn, scale * moved, -scale * (CALM * longer + moved @ common)


def _kept(seen: Doubles, noise: float) -> Doubles:
    """As much of it as its noise (of the whole squared length) leaves to be seen (James, Stein 1961)."""
    found: Doubles = max(0.0, 1 - noise / max(float(seen @ seen), 1e-300)) * seen
    return found


def made_rows(state: HeadState, frame: Frame, released: Released) -> Floats:
    """The trained rows (rows, hidden + 1): the start's, held back, and each disease's own part."""
    rows = state.weights[state.rows].astype(np.float64)
    mean = rows.mean(axis=0)
    share, moved, biases = discriminants(released, rows[:, :-1] @ np.linalg.pinv(frame.axes).T)
    own = np.concatenate([moved @ frame.axes.T, (biases - moved @ frame.centre)[:, None]], axis=1)
    told: Floats = (mean + share * (rows - mean) + own).astype(np.float32)
    return told
