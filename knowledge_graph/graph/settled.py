"""Which terms the findings already answer, by what is above and below them, and which they contradict."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph


def settled_terms(graph: CompiledGraph, findings: Iterable[Finding]) -> npt.NDArray[np.bool_]:
    """Terms that need no question (n_terms,): an observed term settles those above, an excluded those below.

    What an observed one contradicts settles nothing. Raises UnknownTerm.
    """
    settled = np.zeros(len(graph.term_ids), bool)
    answered = [
        (graph.ancestors if finding.state is FindingState.OBSERVED else graph.descendants)[
            graph.term_number(finding.term_id)
        ]
        for finding in consistent(graph, findings)
    ]
    if answered:
        settled[np.concatenate(answered)] = True
    return settled


def consistent(graph: CompiledGraph, findings: Iterable[Finding]) -> list[Finding]:
    """The findings a ranking rests on: without what is excluded, but observed or implied by what is observed.

    Raises UnknownTerm.
    """
    findings = tuple(findings)
    gone = contradicted(graph, findings)
    return [finding for finding in findings if finding not in gone]


def contradicted(graph: CompiledGraph, findings: Iterable[Finding]) -> dict[Finding, Finding]:
    """What is excluded, but observed or implied by what is observed; each with what observes it.

    Raises UnknownTerm.
    """
    findings = tuple(findings)
    implied = {
        above: finding
        for finding in findings
        if finding.state is FindingState.OBSERVED
        for above in graph.ancestors[graph.term_number(finding.term_id)].tolist()
    }
    numbers = ((f, graph.term_number(f.term_id)) for f in findings if f.state is FindingState.EXCLUDED)
    return {finding: implied[number] for finding, number in numbers if number in implied}
