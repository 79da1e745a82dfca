"""The knowledge with rows lost by chance: as little known of a case's rivals as of its own disease.

Leaving out a case's own article takes rows from the true disease alone. A learner then finds it by what it
lacks: free trees gave 44 / 70 % in that test and 8 / 24 % where the rivals had lost as much. So rivals lose
whole articles first, then rows of handbooks, in shares drawn from what the true diseases lose.
"""

from collections.abc import Sequence, Set
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.portraits import redrawn
from knowledge_graph.graph.profile import build_profiles
from knowledge_graph.graph.signature import build_signatures, is_article


def with_lost_rows(
    graph: CompiledGraph, shares: Sequence[float], *, rng: np.random.Generator
) -> CompiledGraph:
    """The graph, each disease without one of `shares` (0 to 1) of its rows; the background stays."""
    rows = graph.associations
    article = is_article(rows.reference, graph.texts)
    keep = np.ones(len(rows.term), bool)
    drawn = rng.choice(np.asarray(shares, np.float64), len(graph.disease_ids))
    for disease in np.flatnonzero(drawn > 0).tolist():
        span = rows.rows_of(disease)
        lost = round(drawn[disease] * (span.stop - span.start))
        order = _losing(rows.reference[span], article[span], rng)
        keep[span.start + order[:lost]] = False
    return _with_rows(graph, keep)


def without_publications(graph: CompiledGraph, publications: Set[str]) -> CompiledGraph:
    """The graph without the rows that name these publications; the background stays."""
    named = np.array([text in publications for text in graph.texts], bool)
    return _with_rows(graph, ~named[graph.associations.reference])


def _with_rows(graph: CompiledGraph, keep: npt.NDArray[np.bool_]) -> CompiledGraph:
    rows = graph.associations
    kept = replace(rows, excluded=rows.excluded | ~keep)
    profiles = replace(build_profiles(graph.ancestors, kept), background=graph.profiles.background)
    no_article = next(i for i, text in enumerate(graph.texts) if not text.startswith("PMID:"))
    reference = np.where(keep, rows.reference, np.int32(no_article))
    signatures = build_signatures(replace(kept, reference=reference), graph.texts)
    portraits = redrawn(graph.portraits, signatures)
    return replace(graph, profiles=profiles, signatures=signatures, portraits=portraits)


def _losing(
    reference: npt.NDArray[np.int32], article: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Rows in the order they are lost: article by article, then what no article says."""
    _, group = np.unique(reference, return_inverse=True)
    turn = rng.permutation(int(group.max(initial=0)) + 1)[group]
    return np.lexsort((rng.random(len(reference)), turn, ~article))
