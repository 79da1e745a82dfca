"""The diseases one of which a patient has in nine of ten cases, by the findings alone."""

import numpy as np

from app.clinical.diagnosis import LISTED, PossibleDiseases
from app.workflows.weighed import Weighed
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.fusion.same_disease import Leaders
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.prediction_set import COVERAGE, SetCalibration, best_of_ids
from knowledge_graph.ranking.reranking import learned_sources


def possible_diseases(
    graph: CompiledGraph, weighed: Weighed, *, shown_as: Leaders
) -> PossibleDiseases | None:
    """The prediction set; None without an observed finding. It was fitted without notes, rules and packs.

    None too where diseases of packs, which it can't hold, are likelier than it may be wrong.
    """
    scores = weighed.scores
    of_packs = np.ones(len(graph.disease_ids), bool)
    of_packs[np.concatenate(learned_sources(graph))] = False
    observed = any(f.state is FindingState.OBSERVED for f in scores.findings)
    if not observed or weighed.fused.shown[of_packs].sum() > 1 - COVERAGE:
        return None
    sets, totals = SetCalibration.load(), best_of_ids(scores.total, shown_as)
    totals[of_packs] = -np.inf
    members = sets.members(totals).tolist()
    return PossibleDiseases(
        coverage=COVERAGE,
        size=len(members),
        unlike_known=sets.unlike_known(scores.strongest),
        disease_ids=tuple(graph.disease_ids[disease] for disease in members[:LISTED]),
    )
