"""What the ratios of single findings do not say: how much of a disease's picture the patient shows.

Three numbers a disease, joined by learned weights into one log share of the score:
- coverage: information of the disease's terms that the findings reach, as a share of all it has, each
  term weighed by its frequency, with PRIOR_INFORMATION added below so that a disease of one term
  does not win by it;
- exact: the share of observed findings that the disease is known to show;
- documented: log(1 + articles annotated): what is often described is often met.
Unweighed here, for the second look: described, log(1 + terms of its own); likeness, how far the findings
point to the disease's portrait (`graph/portraits.py`); known, how long what is known of it is; length, how
long its portrait was before it was shortened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.portraits import portrait
from knowledge_graph.ranking.exclusion import Exclusion
from knowledge_graph.ranking.learned_values import numbers_from, numbers_hash, text_of

PRIOR_INFORMATION = 10.0
FEATURES = ("coverage", "exact", "documented")
_NAMES = (*FEATURES, "excluded", "sharpness")
PICTURE = (*FEATURES, "described", "likeness", "known", "length")
LIKENESS = PICTURE.index("likeness")


@dataclass(frozen=True, slots=True)
class FitWeights:
    """What each feature counts, in units of a natural-log likelihood ratio; what an excluded finding says."""

    coverage: float
    exact: float
    documented: float
    excluded: float
    sharpness: float

    @classmethod
    @cache
    def load(cls) -> "FitWeights":
        """The weights that ship with the program. A file edited by hand is our fault: ValueError."""
        return cls.of_text(files("resources.ranking").joinpath("weights.toml").read_text("utf-8"))

    @classmethod
    def of_text(cls, text: str) -> "FitWeights":
        """Weights from TOML, their hash checked."""
        return cls(**numbers_from(text, _NAMES, file="weights.toml"))

    @property
    def exclusion(self) -> Exclusion:
        """What an excluded finding says."""
        return Exclusion(self.excluded, self.sharpness)

    @property
    def sha256(self) -> str:
        """The hash that names these weights."""
        return numbers_hash(self._numbers())

    def to_text(self, remarks: str) -> str:
        """As TOML, with remarks on where they come from."""
        return text_of(self._numbers(), remarks)

    def _numbers(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in _NAMES}

    def share(self, features: Floats) -> Floats:
        """What the FEATURES among PICTURE count in the score: (n_diseases,)."""
        weights = np.array([getattr(self, name) for name in FEATURES], np.float32)
        joined: Floats = weights @ features[: len(FEATURES)]
        return joined


def fit_features(graph: CompiledGraph, observed: Sequence[int]) -> Floats:
    """FEATURES of every disease, given the numbers of the observed terms: (3, n_diseases)."""
    features = np.zeros((len(FEATURES), len(graph.disease_ids)), np.float32)
    if not observed:
        return features
    coverage, exact, documented = features
    documented[:] = graph.description[0]
    ends = graph.profiles.indptr
    for term in observed:
        exact[graph.shown_by[ends[term] : ends[term + 1]]] += 1 / len(observed)
    filled, starts = graph.filled_signatures
    if len(filled):
        reached = reached_information(graph, observed).take(graph.own_terms)
        reached *= graph.signatures.frequency
        met = np.add.reduceat(reached, starts)
        coverage[filled] = met / (graph.expected_information[filled] + PRIOR_INFORMATION)
    return features


def picture_of(graph: CompiledGraph, observed: Sequence[int]) -> Floats:
    """PICTURE of every disease, given the numbers of the observed terms: (7, n_diseases)."""
    found = np.zeros((len(PICTURE), len(graph.disease_ids)), np.float32)
    if observed:
        found[: len(FEATURES)] = fit_features(graph, observed)
        found[len(FEATURES)] = graph.description[1]
        found[LIKENESS] = graph.drawn @ direction(graph, observed)
        found[LIKENESS + 1 :] = graph.portraits.known, graph.portraits.length
    return found


def features_of_profile(
    graph: CompiledGraph,
    observed: Sequence[int],
    disease: int,
    signature: tuple[Ints, Floats],
    *,
    shown: set[int],
    publications: int,
) -> Floats:
    """The same for one signature given by hand; `shown` are its terms with their ancestors: (7,)."""
    terms, frequency = signature
    reached = reached_information(graph, observed)[terms]
    expected = float(frequency @ graph.information[terms])
    known = frequency @ graph.portraits.of_terms(terms)
    drawn, known_length, length = portrait(known[None], graph.portraits.of_expected(np.array([disease])))
    return np.array(
        [
            float(frequency @ reached) / (expected + PRIOR_INFORMATION),
            sum(term in shown for term in observed) / max(1, len(observed)),
            np.log1p(publications),
            np.log1p(len(terms)),
            float(drawn[0] @ direction(graph, observed)),
            float(known_length[0]),
            float(length[0]),
        ],
        np.float32,
    )


def direction(graph: CompiledGraph, observed: Sequence[int]) -> Floats:
    """Where the findings point, 1 long (0 where nothing is known of them): (width,)."""
    joined = graph.portraits.of_terms(observed).sum(axis=0)
    found: Floats = joined / np.maximum(np.linalg.norm(joined), 1e-6)
    return found


def reached_information(
    graph: CompiledGraph, observed: Sequence[int], *, information: Floats | None = None
) -> Floats:
    """For each term, the information of the most telling of its ancestors that was seen: (n_terms,)."""
    telling = graph.information if information is None else information
    reached = np.zeros(len(graph.term_ids), np.float32)
    if not observed:
        return reached
    above = np.zeros(len(reached), bool)
    above[np.concatenate([graph.ancestors[term] for term in observed])] = True
    seen = np.flatnonzero(above)
    seen = seen[np.argsort(telling[seen], kind="stable")]  # the most telling has the last word
    starts, ends = graph.descendants.indptr[seen].tolist(), graph.descendants.indptr[seen + 1].tolist()
    for value, start, end in zip(telling[seen].tolist(), starts, ends, strict=True):
        reached[graph.below[start:end]] = value
    return reached
