"""Learns to weigh the first ten against each other, from cases whose disease is among them.

The loss is minus the log of the true one's share of the softmax; cases of one disease share their voice.
Several networks are learned, from other starts, and averaged. What the trees say of a case must come from
trees that have not seen its disease: those that have are surer than they may be.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats, highest
from knowledge_graph.ranking.third_look import TEN, TOLD, ThirdLook, joined_inputs, standard

NETWORKS, UNITS = 5, 16
STEPS, AT_ONCE, RATE = 200, 128, 0.01
UNHEARD = 0.2  # share of the inputs that are left out at a time
SHRINKING = 1e-4  # of every weight at every step, in the first of them
TRUSTED = 0.01  # pulls the trust in the trees' score to 1
_NOBODY = np.float32(-1e4)


@dataclass(frozen=True, slots=True)
class Ten:
    """The first ten of a case: `nats` and `fixed` (n,), `features` (n_features, n), the true one's place."""

    disease_id: str
    nats: Floats
    features: Floats
    fixed: Floats
    truth: int


def first_ten(
    disease_id: str, nats: Floats, features: Floats, fixed: Floats, truth: int | None
) -> Ten | None:
    """The first ten of a case's candidates; None where the true one is not among them."""
    first = highest(nats + fixed, TEN)
    place = first.tolist().index(truth) if truth in first.tolist() else None
    return None if place is None else Ten(disease_id, nats[first], features[:, first], fixed[first], place)


def fit_third_look(cases: Sequence[Ten]) -> ThirdLook:
    """The mean of NETWORKS. Deterministic."""
    width = 1 + len(TOLD)
    shown = np.zeros((len(cases), TEN, width), np.float32)
    nats, fixed = (np.full((len(cases), TEN), fill, np.float32) for fill in (0, _NOBODY))
    for place, case in enumerate(cases):
        count = len(case.nats)
        shown[place, :count] = joined_inputs(case.nats, case.features)
        nats[place, :count], fixed[place, :count] = case.nats, case.fixed
    real = shown[fixed > _NOBODY]
    middle, spread = real.mean(axis=0), real.std(axis=0) + np.float32(1e-6)
    counts = Counter(case.disease_id for case in cases)
    voice = np.array([counts[case.disease_id] ** -0.5 for case in cases], np.float32)
    truth = np.array([case.truth for case in cases], np.intp)
    taught = _Taught(standard(shown, middle, spread), nats, fixed, truth, voice)
    return _mean(middle, spread, [_network(taught, np.random.default_rng(seed)) for seed in range(NETWORKS)])


Weights = list[npt.NDArray[np.float32]]  # hidden, bias, out, straight, trust


@dataclass(frozen=True, slots=True)
class _Taught:
    """Inputs (n_cases, TEN, n_inputs); nats, fixed (n_cases, TEN); truth, voice (n_cases,)."""

    inputs: Floats
    nats: Floats
    fixed: Floats
    truth: npt.NDArray[np.intp]
    voice: Floats

    def some(self, places: npt.NDArray[np.intp]) -> "_Taught":
        parts = (self.inputs, self.nats, self.fixed, self.truth, self.voice)
        return _Taught(*(part[places] for part in parts))  # type: ignore[arg-type]

    def slopes(self, weights: Weights, heard: npt.NDArray[np.bool_]) -> Weights:
        """The gradient of the mean loss, with only some of the inputs (n_cases, n_inputs) heard."""
        hidden, bias, out, straight, trust = weights
        inputs = self.inputs * heard[:, None]
        lit = np.maximum(inputs @ hidden + bias, 0)
        z = lit @ out + inputs @ straight + trust * self.nats + self.fixed
        away = np.exp(z - z.max(axis=1, keepdims=True))
        away /= away.sum(axis=1, keepdims=True)
        away[np.arange(len(away)), self.truth] -= 1
        away *= (self.voice / self.voice.sum())[:, None]
        back = away[..., None] * out * (lit > 0)
        return [
            np.tensordot(inputs, back, ((0, 1), (0, 1))),
            back.sum(axis=(0, 1)),
            np.tensordot(away, lit, 2),
            np.tensordot(away, inputs, 2),
            np.array([(away * self.nats).sum()], np.float32) + 2 * np.float32(TRUSTED) * (trust - 1),
        ]


def _network(taught: _Taught, rng: np.random.Generator) -> Weights:
    """One network, by Adam with decaying weights (Loshchilov and Hutter 2019)."""
    cases, width = len(taught.truth), taught.inputs.shape[2]
    start = rng.normal(size=(width, UNITS)) * width**-0.5, np.zeros(UNITS), rng.normal(size=UNITS) * 0.1
    weights = [part.astype(np.float32) for part in (*start, np.zeros(width), np.ones(1))]
    first, second = ([np.zeros_like(part) for part in weights] for _ in range(2))
    for step in range(STEPS):
        some = taught.some(rng.choice(cases, min(AT_ONCE, cases), replace=False))
        slopes = some.slopes(weights, rng.random((len(some.truth), width)) >= UNHEARD)
        rate = 1 - step / STEPS
        for part, slope, mean, square in zip(weights, slopes, first, second, strict=True):
            mean += np.float32(0.1) * (slope - mean)
            square += np.float32(0.001) * (slope**2 - square)
            turn = (mean / (1 - 0.9 ** (step + 1))) / (np.sqrt(square / (1 - 0.999 ** (step + 1))) + 1e-8)
            part -= (rate * (RATE * turn + SHRINKING * part)).astype(np.float32)
    return weights


def _mean(middle: Floats, spread: Floats, networks: Sequence[Weights]) -> ThirdLook:
    """One network that scores as the mean of these does."""
    hidden, bias, out, straight, trust = zip(*networks, strict=True)
    shared: Floats = np.concatenate(out)
    shared /= np.float32(len(networks))
    return ThirdLook(
        middle,
        spread,
        np.concatenate(hidden, axis=1),
        np.concatenate(bias),
        shared,
        np.mean(straight, axis=0, dtype=np.float32),
        np.mean(trust, axis=0, dtype=np.float32),
    )
