"""Looks again at the diseases that could be meant: hears their kin in full, and those named alike.

Candidates of each source are the first by total, by ratios and by their namesakes' coverage. For each, seven
numbers joined by learned weights, none of them negative, so that no disease gains by what it is not known to
show. A finding that nothing meets counts UNMET, however little is known of the disease. What sex,
age and excluded findings say counts as before: published cases hold too little of it to learn from.
"""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats, Ints, Rows
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.learned_values import numbers_from, numbers_hash, text_of

UNMET = 0.2
BY_TOTAL, BY_RATIOS, BY_NAMESAKES = 200, 150, 80
FEATURES = (
    *("first_look", "sources_heard", "namesakes_heard", "coverage", "documented"),
    *("sources_coverage", "namesakes_coverage"),
)
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of each disease before the second look.

    `own` (n_observed, n_diseases) are log ratios, `fit` the features (3, n_diseases) of the profile fit,
    `ratios` and `total` (n_diseases,) the scores so far, `fixed` the share of sex, age and excluded
    findings in them.
    """

    own: Floats
    fit: Floats
    fixed: Floats
    ratios: Floats
    total: Floats


@dataclass(frozen=True, slots=True)
class RerankWeights:
    """What each of FEATURES counts, in units of the total."""

    values: tuple[float, ...]

    @classmethod
    def load(cls) -> "RerankWeights":
        """The weights that ship with the program. A file edited by hand is our fault: ValueError."""
        return cls.of_text(files("resources.ranking").joinpath("reranking.toml").read_text("utf-8"))

    @classmethod
    def of_text(cls, text: str) -> "RerankWeights":
        """Weights from TOML, their hash checked."""
        return cls(tuple(numbers_from(text, FEATURES, file="reranking.toml").values()))

    def score(self, features: Floats) -> Floats:
        """The features weighed: (n_candidates,)."""
        weighed: Floats = np.array(self.values, np.float32) @ features
        return weighed

    @property
    def sha256(self) -> str:
        """The hash that names these weights."""
        return numbers_hash(self._numbers())

    def to_text(self, remarks: str) -> str:
        """As TOML, with remarks on where they come from."""
        return text_of(self._numbers(), remarks)

    def _numbers(self) -> dict[str, float]:
        return dict(zip(FEATURES, self.values, strict=True))


def second_look(graph: CompiledGraph, asked: Asked, weights: RerankWeights) -> Floats:
    """What to add to each disease's total: (n_diseases,). The first keeps its total, the rest stay behind.

    Diseases that are no candidates come after all candidates, in the order they had.
    """
    chosen = candidates(graph, asked)
    scored = weights.score(candidate_features(graph, asked, chosen)) + asked.fixed[chosen]
    scored += asked.total.max() - scored.max()
    left = np.ones(len(asked.total), bool)
    left[chosen] = False
    behind = min(0.0, float(scored.min() - asked.total[left].max(initial=-np.inf)))
    moved = np.full(len(asked.total), behind, np.float32)
    moved[chosen] = scored - asked.total[chosen]
    return moved


def candidates(graph: CompiledGraph, asked: Asked) -> Numbers:
    """Numbers of the diseases worth a second look, ascending."""
    namesakes = _namesakes_coverage(graph, asked, np.arange(len(graph.disease_ids)))
    wanted = ((asked.total, BY_TOTAL), (asked.ratios, BY_RATIOS), (namesakes, BY_NAMESAKES))
    chosen = np.zeros(len(graph.disease_ids), bool)
    for members in graph.sources:
        for score, count in wanted:
            if count < len(members):
                chosen[members[np.argpartition(-score[members], count)[:count]]] = True
            else:
                chosen[members] = True
    return np.flatnonzero(chosen)


def candidate_features(graph: CompiledGraph, asked: Asked, chosen: Numbers) -> Floats:
    """FEATURES of the chosen diseases: (7, n_chosen)."""
    own = np.maximum(asked.own[:, chosen], np.float32(np.log(UNMET)))
    coverage = asked.fit[0]
    sources, covered = own.copy(), np.zeros(len(chosen), np.float32)
    for kin in (graph.kinship.twins, graph.kinship.same_gene):
        sources = np.maximum(sources, _largest(kin, asked.own, chosen))
        covered = np.maximum(covered, _largest(kin, coverage[None], chosen)[0])
    ratios = np.exp(asked.own[:, graph.namesakes.others[chosen]])
    named = np.log((ratios * graph.namesakes.shares[chosen]).sum(axis=-1))
    features: Floats = np.stack(
        [
            (asked.total - asked.fixed)[chosen],
            sources.sum(axis=0),
            np.maximum(own, named).sum(axis=0),
            coverage[chosen],
            asked.fit[2, chosen],
            np.maximum(covered, 0),
            _namesakes_coverage(graph, asked, chosen),
        ]
    )
    return features


def _namesakes_coverage(graph: CompiledGraph, asked: Asked, chosen: Numbers) -> Floats:
    found: Floats = (asked.fit[0][graph.namesakes.others[chosen]] * graph.namesakes.shares[chosen]).sum(
        axis=1
    )
    return found


def _largest(kin: Rows, table: Floats, chosen: Numbers) -> Floats:
    """The largest entry among each chosen disease's kin: (n_rows, n_chosen); very low where it has none."""
    found = np.full((len(table), len(chosen)), -1e9, np.float32)
    place, starts = _flat(kin.indptr, chosen)
    has = np.flatnonzero(kin.indptr[chosen + 1] > kin.indptr[chosen])
    if len(has):
        found[:, has] = np.maximum.reduceat(table[:, kin.values[place]], starts[has], axis=1)
    return found


def _flat(indptr: Ints, chosen: Numbers) -> tuple[Numbers, Numbers]:
    """Where the entries of the chosen rows lie, one after another, and where each row starts among them."""
    lengths = indptr[chosen + 1] - indptr[chosen]
    starts = np.cumsum(lengths) - lengths
    place = np.repeat(indptr[chosen] - starts, lengths) + np.arange(int(lengths.sum()))
    return place, starts
