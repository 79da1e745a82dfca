"""The knowledge with rows lost by chance: as little known of a case's rivals as of its own disease.

Leaving out a case's own article takes rows from the true disease alone. A learner then finds it by what it
lacks: free trees gave 44 / 70 % in that test and 8 / 24 % where the rivals had lost as much. So rivals lose
whole articles first, then rows of handbooks, in shares drawn from what the true diseases lose. A row that
names a lost article beside others keeps its finding and loses its count, which is of the patients of all.
"""

from collections.abc import Sequence, Set
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Associations
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.portraits import redrawn
from knowledge_graph.graph.profile import build_profiles
from knowledge_graph.graph.signature import build_signatures, references_named

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


def with_lost_rows(
    graph: CompiledGraph, shares: Sequence[float], *, rng: np.random.Generator
) -> CompiledGraph:
    """The graph, one of `shares` (0 to 1) of each disease's rows without an article; the background stays."""
    rows = graph.associations
    keep = np.ones(len(rows.term), bool)
    doubted = np.zeros(len(rows.term), bool)
    publications = graph.signatures.publications.copy()
    named = [references_named(text) for text in graph.texts]
    drawn = rng.choice(np.asarray(shares, np.float64), len(graph.disease_ids))
    for disease in np.flatnonzero(drawn > 0).tolist():
        span = rows.rows_of(disease)
        references = [named[text] for text in rows.reference[span].tolist()]
        count = round(drawn[disease] * len(references))
        lost, shared, heard = _losing(references, count, rng)
        keep[span.start + lost] = False
        doubted[span.start + shared] = True
        publications[disease] = len(heard)
    poorer = _with_rows(graph, uncounted(rows, np.flatnonzero(doubted)), keep)
    return replace(poorer, signatures=replace(poorer.signatures, publications=publications))


def without_publications(graph: CompiledGraph, publications: Set[str]) -> CompiledGraph:
    """The graph without the rows that name these publications, alone or not; the background stays."""
    named = np.array([not publications.isdisjoint(references_named(text)) for text in graph.texts], bool)
    return _with_rows(graph, graph.associations, ~named[graph.associations.reference])


def uncounted(rows: Associations, places: Places) -> Associations:
    """The rows, those at `places` as said without a frequency."""
    numerator, denominator, fraction = rows.numerator.copy(), rows.denominator.copy(), rows.fraction.copy()
    numerator[places], denominator[places], fraction[places] = -1, 0, np.nan
    return replace(rows, numerator=numerator, denominator=denominator, fraction=fraction)


def _with_rows(graph: CompiledGraph, rows: Associations, keep: Mask) -> CompiledGraph:
    kept = rows.only(keep)
    profiles = replace(build_profiles(graph.ancestors, kept), background=graph.profiles.background)
    signatures = build_signatures(kept, graph.texts)
    portraits = redrawn(graph.portraits, signatures)
    return replace(graph, associations=kept, profiles=profiles, signatures=signatures, portraits=portraits)


def _losing(
    references: Sequence[tuple[str, ...]], count: int, rng: np.random.Generator
) -> tuple[Places, Places, set[str]]:
    """Rows lost, rows that keep an article beside a lost one, `count` together, and the articles kept.

    Articles go one after the other in an order drawn; what no article says goes last, row by row.
    """
    articles = sorted({name for own in references for name in own if name.startswith("PMID:")})
    turn = dict(zip(articles, rng.permutation(len(articles)).tolist(), strict=True))
    last = len(articles)
    turns = [[turn.get(name, last) for name in own] or [last] for own in references]
    first_lost = np.array([min(own) for own in turns], np.intp)
    whole_lost = np.array([max(own) for own in turns], np.intp)
    order = np.lexsort((rng.random(len(turns)), first_lost))
    touched, untouched = order[:count], order[count:]
    reached = first_lost[touched].max(initial=-1)
    whole = whole_lost[touched] <= reached
    lost, shared = touched[whole], touched[~whole]
    heard = {name for row in untouched.tolist() for name in references[row] if name in turn}
    heard |= {name for row in shared.tolist() for name in references[row] if turn.get(name, -1) > reached}
    return lost, shared, heard
