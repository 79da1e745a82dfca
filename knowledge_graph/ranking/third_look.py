"""Weighs the first ten of each source against each other, after the trees have asked of each alone.

A layer of hidden units over the trees' score and the second look's features adds to that score. It was
learned listwise (Cao et al. 2007): the softmax over ten is how likely each of them is the one. Which ten they
are stays as it was; all others come behind them in their order.

It is not told how well a disease is described (UNTOLD): it learned from few diseases, which are described
better than most, and would prefer their like.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from knowledge_graph.graph.arrays import Floats, highest
from knowledge_graph.ranking.candidate_features import FEATURES

TEN = 10
UNTOLD = (
    *("documented", "described", "has_gene", "has_twin", "same_gene", "known", "expectation"),
    *("findings", "information"),  # the same for all ten
)
TOLD = np.array([place for place, name in enumerate(FEATURES) if name not in UNTOLD], np.intp)
FARTHEST = 4.0  # spreads from the middle: nothing counts as further
STEP = 0.01  # nats from the last of the ten to the next, at least


@dataclass(frozen=True, slots=True)
class ThirdLook:
    """What it takes: `middle` and `spread` (n_inputs,) of each input, the score of the trees first.

    `hidden` (n_inputs, n_units), `bias` and `out` (n_units,), `straight` (n_inputs,) past the units, `trust`
    (1,) in the score itself.
    """

    middle: Floats
    spread: Floats
    hidden: Floats
    bias: Floats
    out: Floats
    straight: Floats
    trust: Floats

    def score(self, nats: Floats, features: Floats) -> Floats:
        """Nats (n,) anew for the trees' nats (n,) and features (n_features, n) of a few candidates."""
        inputs = self.inputs(nats, features)
        found: Floats = np.maximum(inputs @ self.hidden + self.bias, 0) @ self.out
        found += inputs @ self.straight + self.trust * nats
        return found

    def inputs(self, nats: Floats, features: Floats) -> Floats:
        """What the units are shown: (n, n_inputs)."""
        return standard(joined_inputs(nats, features), self.middle, self.spread)

    def arrays(self) -> dict[str, Floats]:
        """By name, as `of_arrays` takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Floats]) -> "ThirdLook":
        """From arrays by name."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def joined_inputs(nats: Floats, features: Floats) -> Floats:
    """The trees' nats and those of FEATURES that it is told, for each candidate: (n, 1 + len(TOLD))."""
    return np.concatenate([nats[None], features[TOLD]]).T


def standard(inputs: Floats, middle: Floats, spread: Floats) -> Floats:
    """Inputs (n, n_inputs) in spreads from their middle."""
    found: Floats = np.clip((inputs - middle) / spread, -FARTHEST, FARTHEST)
    return found


def weighed(look: ThirdLook, nats: Floats, features: Floats, fixed: Floats) -> Floats:
    """Nats of one source's candidates with what is `fixed`, the first TEN weighed anew: (n,).

    Together the ten count what they did. Those behind keep their distances among themselves.
    """
    scores: Floats = nats + fixed
    first = highest(scores, TEN)
    again = look.score(nats[first], features[:, first]) + fixed[first]
    again += np.logaddexp.reduce(scores[first]) - np.logaddexp.reduce(again)
    rest = np.ones(len(scores), bool)
    rest[first] = False
    scores[rest] -= max(0.0, float(scores[rest].max(initial=-np.inf) - again.min()) + STEP)
    scores[first] = again
    return scores
