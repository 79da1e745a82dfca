"""What a published case answers when it is asked about a finding: what it records, and, if wanted, the rest.

A case records few findings and says nothing of all others. So the rest is either unknown, or drawn: a patient
of the case's disease, its own article included, who shows each annotated finding with its frequency and
nothing else. What the case records stands; what is drawn beside it is synthetic.
"""

from collections.abc import Callable, Iterable

import numpy as np

from app.workflows.evaluate_cases import Case, case_findings
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph

Answers = dict[int, bool]  # term number to yes or no; unknown where there is none


def recorded_answers(graph: CompiledGraph, case: Case, _rng: np.random.Generator | None = None) -> Answers:
    """Yes for what the case observed and all above, no for what it excluded and all below; yes wins."""
    observed, excluded = (
        [graph.term_index[f.term_id] for f in case_findings(graph, case)[0] if f.state is state]
        for state in (FindingState.OBSERVED, FindingState.EXCLUDED)
    )
    answers: Answers = {}
    for term in excluded:
        answers.update(dict.fromkeys(graph.descendants[term].tolist(), False))
    return answers | _shown(graph, observed)


def drawn_answers(graph: CompiledGraph, case: Case, rng: np.random.Generator) -> Answers:
    """An answer to every term: what the case records, else what a drawn patient of its disease shows.

    The graph has to have one of the case's diseases.
    """
    disease = next(graph.disease_number(t) for t in case.truths if t in graph.disease_index)
    recorded = recorded_answers(graph, case)
    terms, frequency = graph.signatures.of_disease(disease)
    drawn = terms[rng.random(len(terms)) < frequency].tolist()
    shown = _shown(graph, (term for term in drawn if recorded.get(term, True)))
    return dict.fromkeys(range(len(graph.term_ids)), False) | shown | recorded


def _shown(graph: CompiledGraph, terms: Iterable[int]) -> Answers:
    return {above: True for term in terms for above in graph.ancestors[term].tolist()}


UNRECORDED: dict[str, Callable[[CompiledGraph, Case, np.random.Generator], Answers]] = {
    "unknown": recorded_answers,
    "drawn": drawn_answers,
}
