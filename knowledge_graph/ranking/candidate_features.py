"""What the second look knows of each candidate: how its findings are met, and how well it is described.

Ratios are of observed findings alone. Some features count from the best candidate of the same source, so
that one number means the same for every patient.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats, Ints, Rows, places_of
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.portraits import EXPECTED_COUNTS, LITTLE
from knowledge_graph.ranking.likelihood_ratio import FLOOR
from knowledge_graph.ranking.profile_fit import LIKENESS

UNMET, HALF_MET = 0.2, 0.5
LITTLE_EXPECTED = 0.3  # as LITTLE, for what is expected alone
LIKENESSES = ("likeness", "known_likeness", "expected_likeness")
FROM_BEST = (
    *("first_look", "sources_heard", "namesakes_heard", "own_softened", "coverage", "kin_heard"),
    *LIKENESSES,
)
OF_CANDIDATE = (
    *("first_look", "own", "kin_heard", "sources_heard", "namesakes_heard"),
    *("coverage", "exact", "documented", "described", "sources_coverage", "namesakes_coverage"),
    *("own_softened", "own_halved", "met", "unmet", "information_met", "information_unmet"),
    *("has_gene", "has_twin", "same_gene", "best_three", "own_decreasing"),
    *(*LIKENESSES, "kin_likeness", "namesakes_likeness", "known", "expectation"),
)
FEATURES = (*OF_CANDIDATE, *(f"{name}_from_best" for name in FROM_BEST), "findings", "information")
Numbers = npt.NDArray[np.intp]
ALL = slice(None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of each disease before the second look.

    `own` (n_observed, n_diseases) are log ratios, `kin` (n_diseases,) their sum with the kin heard, `picture`
    (7, n_diseases) the features of the profile fit, `ratios` and `total` (n_diseases,) the scores so far,
    `fixed` the share of sex, age and excluded findings in them, `information` (n_observed,) how telling
    the findings are, `direction` (width,) where they point.
    """

    own: Floats
    kin: Floats
    picture: Floats
    fixed: Floats
    ratios: Floats
    total: Floats
    information: Floats
    direction: Floats


def candidate_features(graph: CompiledGraph, asked: Asked, chosen: Numbers) -> Floats:
    """FEATURES of the chosen diseases: (n_features, n_chosen)."""
    own = asked.own[:, chosen]
    found = _of_findings(own, asked.information) | _of_kin(graph, asked, chosen, own=own)
    found |= _of_portraits(graph, asked, chosen)
    coverage, exact, documented, described = asked.picture[:4, chosen]
    found |= {
        "first_look": (asked.total - asked.fixed)[chosen],
        "kin_heard": asked.kin[chosen],
        "coverage": coverage,
        "exact": exact,
        "documented": documented,
        "described": described,
        "has_gene": graph.has_gene[chosen],
    }
    whole = [np.log1p(len(own)), asked.information.mean()]
    rows = [found[name] for name in OF_CANDIDATE]
    rows += list(_from_best(np.stack([found[name] for name in FROM_BEST]), graph.source_of[chosen]))
    rows += [np.full(len(chosen), value, np.float32) for value in whole]
    return np.stack(rows, dtype=np.float32, casting="same_kind")


def namesakes_coverage(graph: CompiledGraph, asked: Asked, chosen: Numbers | slice = ALL) -> Floats:
    """Mean coverage of the diseases named most alike: (n_chosen,)."""
    return _mean_of_namesakes(graph, asked.picture[0], chosen)


def _mean_of_namesakes(graph: CompiledGraph, values: Floats, chosen: Numbers | slice) -> Floats:
    others, shares = graph.namesakes_in_turn
    return _summed(values.take(others[:, chosen]) * shares[:, chosen])


def _of_findings(own: Floats, information: Floats) -> dict[str, Floats]:
    met, unmet = own > 0, own < np.log(1.05 * FLOOR)
    telling = information[:, None]
    falling = np.sort(own, axis=0)[::-1]
    count_less = (1 + np.arange(len(own), dtype=np.float32))[:, None] ** np.float32(-0.5)
    return {
        "own": own.sum(axis=0),
        "own_softened": np.maximum(own, np.float32(np.log(UNMET))).sum(axis=0),
        "own_halved": np.maximum(own, np.float32(np.log(HALF_MET))).sum(axis=0),
        "met": met.sum(axis=0).astype(np.float32),
        "unmet": unmet.sum(axis=0).astype(np.float32),
        "information_met": (met * telling).sum(axis=0) / information.sum(),
        "information_unmet": (unmet * telling).sum(axis=0),
        "best_three": falling[:3].sum(axis=0),
        "own_decreasing": (falling * count_less).sum(axis=0),
    }


def _of_kin(graph: CompiledGraph, asked: Asked, chosen: Numbers, *, own: Floats) -> dict[str, Floats]:
    """A finding that nothing meets counts UNMET, however little is known of the disease."""
    softened = np.maximum(own, np.float32(np.log(UNMET)))
    sources, covered = softened.copy(), np.zeros(len(chosen), np.float32)
    for kin in (graph.kinship.twins, graph.kinship.same_gene):
        sources = np.maximum(sources, _largest(kin, asked.own, chosen))
        covered = np.maximum(covered, _largest(kin, asked.picture[:1], chosen)[0])
    others, shares = graph.namesakes_in_turn
    ratios = np.exp(asked.own.take(others[:, chosen], axis=1))
    ratios *= shares[:, chosen]
    named = np.log(_summed(ratios))
    twins, same_gene = (np.diff(kin.indptr)[chosen] for kin in (graph.kinship.twins, graph.kinship.same_gene))
    return {
        "sources_heard": sources.sum(axis=0),
        "namesakes_heard": np.maximum(softened, named).sum(axis=0),
        "sources_coverage": covered,
        "namesakes_coverage": namesakes_coverage(graph, asked, chosen),
        "has_twin": (twins > 0).astype(np.float32),
        "same_gene": np.log1p(same_gene.astype(np.float32)),
    }


def _summed(values: Floats) -> Floats:
    """The sum over the namesakes, the axis before the last: pairs first, as numpy sums eight in a row."""
    while values.shape[-2] > 1:
        values = values[..., 0::2, :] + values[..., 1::2, :]
    return values[..., 0, :]


def _of_portraits(graph: CompiledGraph, asked: Asked, chosen: Numbers) -> dict[str, Floats]:
    """How far the findings point to each portrait; to what is known and to what is expected alone."""
    likeness, known, length = asked.picture[LIKENESS:, chosen]
    towards = graph.portraits.of_expected(chosen) @ asked.direction
    expectation = graph.portraits.expectation[chosen]
    of_known = likeness * length - np.float32(EXPECTED_COUNTS) * towards
    every = asked.picture[LIKENESS : LIKENESS + 1]
    kin = [_largest(rows, every, chosen)[0] for rows in (graph.kinship.twins, graph.kinship.same_gene)]
    return {
        "likeness": likeness,
        "known_likeness": of_known / (known + np.float32(LITTLE)),
        "expected_likeness": towards / (expectation + np.float32(LITTLE_EXPECTED)),
        "kin_likeness": np.maximum(np.maximum(*kin), -1),
        "namesakes_likeness": _mean_of_namesakes(graph, every[0], chosen),
        "known": np.log1p(known),
        "expectation": expectation,
    }


def _from_best(values: Floats, source: Ints) -> Floats:
    """Each of the values (n_rows, n_chosen) less the best of its source."""
    behind = np.empty_like(values)
    for number in set(source.tolist()):
        own = np.flatnonzero(source == number)
        behind[:, own] = values[:, own] - values[:, own].max(axis=1)[:, None]
    return behind


def _largest(kin: Rows, table: Floats, chosen: Numbers) -> Floats:
    """The largest entry among each chosen disease's kin: (n_rows, n_chosen); very low where it has none."""
    found = np.full((len(table), len(chosen)), -1e9, np.float32)
    places, lengths = places_of(kin.indptr, chosen)
    has = np.flatnonzero(lengths)
    if len(has):
        starts = np.cumsum(lengths) - lengths
        found[:, has] = np.maximum.reduceat(table[:, kin.values[places]], starts[has], axis=1)
    return found
