"""How likely each finding is in each disease, with the ontology's inheritance applied.

A disease that shows a term shows every ancestor of it ("true path rule"), so P(a | d) is at least
the largest P(t | d) over the terms t below a. Counts n/m are shrunk by a Beta(1, 1) prior, since
59 % of them have a denominator of five or less; a row without a frequency counts as one half.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Associations, Floats, Ints, Rows

UNKNOWN_FREQUENCY = 0.5


@dataclass(frozen=True, slots=True)
class Profiles:
    """P(term | disease), sparse, grouped by term: diseases ascending inside each term.

    `background` (n_terms,) is the mean of P(term | disease) over all diseases.
    """

    indptr: Ints
    disease: Ints
    probability: Floats
    background: Floats

    def of_term(self, term: int) -> tuple[Ints, Floats]:
        """Diseases that show a term, and how likely each shows it."""
        span = slice(int(self.indptr[term]), int(self.indptr[term + 1]))
        return self.disease[span], self.probability[span]


def direct_frequencies(associations: Associations, keep: npt.NDArray[np.bool_]) -> tuple[Ints, Ints, Floats]:
    """(disease, term, frequency) for the kept rows, one entry for each pair, sorted by pair.

    Several rows for one pair pool their counts; a class or percentage counts only where no count
    is given; rows without a frequency only where nothing else is.
    """
    disease = np.repeat(
        np.arange(len(associations.indptr) - 1, dtype=np.int64), np.diff(associations.indptr)
    )[keep]
    term = associations.term[keep].astype(np.int64)
    key = (disease << 32) | term
    pairs, owner = np.unique(key, return_inverse=True)
    counted = associations.numerator[keep] >= 0
    n = np.bincount(owner, np.where(counted, associations.numerator[keep], 0), len(pairs))
    m = np.bincount(owner, np.where(counted, associations.denominator[keep], 0), len(pairs))
    fraction = np.zeros(len(pairs))
    stated = np.where(counted, np.nan, associations.fraction[keep])
    np.maximum.at(fraction, owner[~np.isnan(stated)], stated[~np.isnan(stated)])
    pooled = np.where(m > 0, (n + 1) / (m + 2), np.where(fraction > 0, fraction, UNKNOWN_FREQUENCY))
    return (pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32), pooled.astype(np.float32)


def inherited(ancestors: Rows, owner: Ints, term: Ints, frequency: Floats) -> tuple[Ints, Ints, Floats]:
    """(term, owner, probability) with every ancestor added, largest value kept, sorted by pair."""
    lengths = np.diff(ancestors.indptr)[term]
    starts = ancestors.indptr[:-1][term]
    inside = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    above = ancestors.values[np.repeat(starts, lengths) + inside].astype(np.int64)
    key = (above << 32) | np.repeat(owner, lengths).astype(np.int64)
    value = np.repeat(frequency, lengths)
    order = np.argsort(key, kind="stable")
    key, value = key[order], value[order]
    first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, int)
    top = np.maximum.reduceat(value, first) if len(key) else value
    pairs = key[first]
    return (pairs >> 32).astype(np.int32), (pairs & 0xFFFFFFFF).astype(np.int32), top.astype(np.float32)


def build_profiles(ancestors: Rows, associations: Associations) -> Profiles:
    """Profiles of every disease from the rows that say a finding is seen."""
    diseases = len(associations.indptr) - 1
    direct = direct_frequencies(associations, ~associations.excluded)
    term, disease, probability = inherited(ancestors, *direct)
    counts = np.bincount(term, minlength=len(ancestors))
    indptr = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    background = np.bincount(term, probability, len(ancestors)) / max(diseases, 1)
    return Profiles(indptr, disease, probability, background.astype(np.float32))
