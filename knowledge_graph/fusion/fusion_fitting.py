"""Learns the fusion's weights: those under which stated probabilities come true.

The loss is Brier's (1950), sum over diseases of (p - truth)^2: proper, and bounded, so that cases
which nothing could solve do not steer. Cases of one disease share their voice, as do the sources.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar

from knowledge_graph.fusion.fusion_weights import REPEATING, FusionWeights, damped
from knowledge_graph.fusion.same_disease import Leaders, together
from knowledge_graph.graph.arrays import Floats

Floats64 = npt.NDArray[np.float64]
ROWS = 128  # scored at a time
START = FusionWeights(graph_alone=0.5, text_alone=1.1, graph=0.5, text=0.25, damping=0.5)
_HIGHEST = 3.0


@dataclass(frozen=True, slots=True)
class FusionCases:
    """Cases by row: `graph` and `text` (n, n_diseases), observed findings, the true disease, the source.

    `shown_as` (n_diseases,) joins the ids of one disease. `sources` with few cases weigh as much as
    those with many; `importance` says where one counts more than once.
    """

    graph: Floats
    text: Floats
    observed: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int64]
    sources: Sequence[str]
    shown_as: Leaders
    importance: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PooledCases:
    """Cases by row: the pool's sum of all shares (n, n_diseases), the true disease, the source."""

    summed: Floats
    truth: npt.NDArray[np.int64]
    sources: Sequence[str]
    shown_as: Leaders


def fit_sureness(cases: PooledCases) -> float:
    """The power, at most 1, under which the pool's probabilities come true, by Brier's loss.

    More than 1 would be learned where synthetic patients are just as the knowledge says; others are not.
    """
    voices, truth = _voices(cases.sources, cases.truth), cases.shown_as[cases.truth]

    def loss(power: float) -> float:
        total = 0.0
        for row, right, voice in zip(cases.summed, truth.tolist(), voices.tolist(), strict=True):
            missed = raised(row, power, cases.shown_as)
            missed[right] -= 1
            total += voice * float(missed @ missed)
        return total

    found = minimize_scalar(loss, bounds=(0.1, 1.0), method="bounded", options={"xatol": 0.01})
    return float(found.x)


def raised(summed: Floats, power: float, shown_as: Leaders) -> Floats64:
    """A pool's probabilities under a power (n_diseases,), those of one disease's ids together."""
    p = np.exp(power * (summed - summed.max()), dtype=np.float64)
    return together(p / p.sum(), shown_as)


def fit_fusion(findings: FusionCases, notes: FusionCases, *, start: FusionWeights = START) -> FusionWeights:
    """From cases with findings alone (their `text` is not looked at) and cases with notes. Deterministic."""
    alone = _minimum(findings, ("graph", "damping"), (start.graph_alone, start.damping))
    damping = float(alone[1])
    told = _minimum(notes, ("text",), (start.text_alone,))
    both = _minimum(notes, ("graph", "text"), (start.graph, start.text), damping=damping)
    return replace(
        start,
        graph_alone=float(alone[0]),
        damping=damping,
        text_alone=float(told[0]),
        graph=float(both[0]),
        text=float(both[1]),
    )


class Weighing(NamedTuple):
    """Weights being tried."""

    graph: float = 0.0
    text: float = 0.0
    damping: float = 0.0


def _minimum(
    cases: FusionCases, free: Sequence[str], start: Sequence[float], *, damping: float = 0.0
) -> Floats64:
    voices = _voices(cases.sources, cases.truth, cases.importance)

    def loss(values: Floats64) -> tuple[float, Floats64]:
        weighing = Weighing(damping=damping)._replace(**dict(zip(free, values.tolist(), strict=True)))
        total, slope = 0.0, np.zeros(3)
        for part in _parts(len(cases.truth)):
            value, gradient = brier(cases, part, weighing, voices[part])
            total, slope = total + value, slope + gradient
        return total, slope[[Weighing._fields.index(name) for name in free]]

    return _bounded(loss, start)


def _bounded(loss: Callable[[Floats64], tuple[float, Floats64]], start: Sequence[float]) -> Floats64:
    bounds = [(0.0, _HIGHEST)] * len(start)
    found = minimize(
        loss, np.array(start), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30}
    )
    return np.asarray(found.x, np.float64)


def brier(cases: FusionCases, part: slice, weighing: Weighing, voices: Floats64) -> tuple[float, Floats64]:
    """The loss of some cases, and its slope by graph weight, text weight and damping."""
    repeating = np.log1p(cases.observed[part] / REPEATING)
    graph = damped(cases.observed[part], weighing.damping).astype(np.float32)[:, None] * cases.graph[part]
    z = np.float32(weighing.graph) * graph
    if weighing.text:
        z += np.float32(weighing.text) * cases.text[part]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows, truth = np.arange(len(p)), cases.shown_as[cases.truth[part]]
    missed = np.stack([together(row, cases.shown_as) for row in p.astype(np.float64)])
    missed[rows, truth] -= 1
    loss = float(voices @ (missed**2).sum(axis=1))
    missed = missed[:, cases.shown_as].astype(np.float32)
    pull = 2 * p * (missed - (p * missed).sum(axis=1, keepdims=True))
    by_graph = np.einsum("cd,cd->c", pull, graph).astype(np.float64)
    by_text = np.einsum("cd,cd->c", pull, cases.text[part]) if weighing.text else np.zeros(len(p))
    by_damping = -weighing.graph * repeating * by_graph
    return loss, np.array([voices @ by_graph, voices @ by_text, voices @ by_damping])


def _parts(count: int) -> Iterator[slice]:
    for start in range(0, count, ROWS):
        yield slice(start, start + ROWS)


def _voices(
    sources: Sequence[str], truth: npt.NDArray[np.int64], importance: Mapping[str, float] | None = None
) -> Floats64:
    of_disease = Counter(zip(sources, truth.tolist(), strict=True))
    voices = np.array([of_disease[key] ** -0.5 for key in zip(sources, truth.tolist(), strict=True)])
    named = np.array(sources)
    for source in set(sources):
        voices[named == source] *= (importance or {}).get(source, 1.0) / voices[named == source].sum()
    return np.asarray(voices / voices.sum(), np.float64)
