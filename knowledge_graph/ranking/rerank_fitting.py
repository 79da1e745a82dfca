"""Learns the trees of the second look from cases with a known diagnosis.

Each candidate is a question: is it the one? Most of the wrong ones are left out by chance, none by rank: a
truth kept among rivals that it would not meet is known by its low rank. A case whose truth is no candidate
teaches nothing. Half of the trees are learned from published cases alone, half from these and from patients
of many more diseases, as articles describe them: neither half is as good as their mean. Each half is the mean
of FORESTS, which heard other rivals and features. Needs scikit-learn, which the program itself does not.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.ranking.boosted_trees import BoostedTrees
from knowledge_graph.ranking.candidate_features import FEATURES
from knowledge_graph.ranking.reranking import UNIT, LearnedLooks, looked_at
from knowledge_graph.ranking.third_look import weighed
from knowledge_graph.ranking.third_look_fitting import Ten, first_ten

TREES, LEAVES, RATE = 80, 15, 0.1
FORESTS = 2
RIVALS_TAUGHT = 0.25  # share of the wrong candidates that is learned from
RIVALS_OF_MANY = 0.1  # the same where there are thousands of patients
_SETTINGS: dict[str, Any] = {
    "max_iter": TREES,
    "max_leaf_nodes": LEAVES,
    "learning_rate": RATE,
    "min_samples_leaf": 60,
    "l2_regularization": 10.0,
    "max_features": 0.7,
    "early_stopping": False,
}


@dataclass(frozen=True, slots=True)
class LookedAt:
    """One case: `features` (n_features, n_candidates), the place of the true one (None: not among them).

    `fixed` (n_candidates,) is what sex, age and excluded findings say, which is not weighed anew.
    """

    disease_id: str
    features: Floats
    fixed: Floats
    truth: int | None

    def ten(self, trees: BoostedTrees) -> Ten | None:
        """The first ten under these trees; None where the true one is not among them."""
        nats = looked_at(trees, self.features)
        return first_ten(self.disease_id, nats, self.features, self.fixed * np.float32(UNIT), self.truth)

    def rank(self, looks: LearnedLooks) -> float:
        """1 + the candidates scored higher + half of those scored equal; infinite without the true one."""
        if self.truth is None:
            return float("inf")
        nats = looked_at(looks.trees, self.features)
        scores = weighed(looks.third, nats, self.features, self.fixed * np.float32(UNIT))
        own = scores[self.truth]
        return float(1 + (scores > own).sum() + ((scores == own).sum() - 1) / 2)


def fit_reranking(
    published: Sequence[LookedAt], described: Sequence[LookedAt] = (), *, about: str = ""
) -> BoostedTrees:
    """The trees under which the true ones stand out. Cases of one disease share their voice."""
    forests = [_forest(published, RIVALS_TAUGHT, seed) for seed in range(FORESTS)]
    if described:
        every = [*published, *described]
        forests += [_forest(every, RIVALS_OF_MANY, seed) for seed in range(FORESTS)]
    return replace(_mean(forests), about=about)


def _forest(cases: Sequence[LookedAt], rivals: float, seed: int) -> BoostedTrees:
    from sklearn.ensemble import HistGradientBoostingClassifier

    solvable = [case for case in cases if case.truth is not None]
    counts = Counter(case.disease_id for case in solvable)
    rng = np.random.default_rng(seed)
    taught = [_questions(case, counts[case.disease_id] ** -0.5, rivals, rng) for case in solvable]
    features, right, voice = (np.concatenate(part) for part in zip(*taught, strict=True))
    learner = HistGradientBoostingClassifier(**_SETTINGS, random_state=seed)
    learner.fit(features, right, sample_weight=voice)
    return _as_arrays([trees[0].nodes for trees in learner._predictors])


def _mean(forests: Sequence[BoostedTrees]) -> BoostedTrees:
    """One forest that scores as the mean of these does."""
    value: Floats = np.concatenate([f.value for f in forests])
    value /= np.float32(len(forests))
    return BoostedTrees(
        FEATURES,
        np.concatenate([f.feature for f in forests]),
        np.concatenate([f.threshold for f in forests]),
        np.concatenate([f.path for f in forests]),
        value,
    )


Questions = tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.float64]]


def _questions(case: LookedAt, voice: float, rivals: float, rng: np.random.Generator) -> Questions:
    right = np.zeros(case.features.shape[1], np.bool_)
    right[case.truth] = True
    asked = right | (rng.random(len(right)) < rivals)
    weight = voice * np.where(right, 1.0, 1.0 / rivals)
    return case.features.T[asked], right[asked], weight[asked]


def _as_arrays(grown: Sequence[Any]) -> BoostedTrees:
    """From scikit-learn's tables of nodes (left where feature <= threshold)."""
    shape = (len(grown), LEAVES - 1)
    feature, threshold = np.zeros(shape, np.uint8), np.zeros(shape, np.float32)
    path = np.zeros((len(grown), LEAVES, LEAVES - 1), np.float32)
    value = np.zeros((len(grown), LEAVES), np.float32)
    for tree, nodes in enumerate(grown):
        split = {int(node): place for place, node in enumerate(np.flatnonzero(nodes["is_leaf"] == 0))}
        for node, place in split.items():
            feature[tree, place] = nodes[node]["feature_idx"]
            threshold[tree, place] = _rounded_down(float(nodes[node]["num_threshold"]))
        for leaf, (node, way) in enumerate(_ways(nodes)):
            value[tree, leaf] = nodes[node]["value"]
            for above, side in way:
                path[tree, leaf, split[above]] = side
    return BoostedTrees(FEATURES, feature, threshold, path, value)


def _ways(nodes: Any) -> list[tuple[int, list[tuple[int, int]]]]:
    """Each leaf with its way: the splits above it, and 1 for left, -1 for right."""
    found: list[tuple[int, list[tuple[int, int]]]] = []
    waiting: list[tuple[int, list[tuple[int, int]]]] = [(0, [])]
    while waiting:
        node, way = waiting.pop()
        if nodes[node]["is_leaf"]:
            found.append((node, way))
            continue
        waiting.append((int(nodes[node]["left"]), [*way, (node, 1)]))
        waiting.append((int(nodes[node]["right"]), [*way, (node, -1)]))
    return found


def _rounded_down(threshold: float) -> np.float32:
    """The largest float32 not above: the same features are below it."""
    near = np.float32(threshold)
    return near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf))
