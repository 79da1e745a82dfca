"""Says a patient's findings in other words: HPO synonyms, and the more general parent terms.

The copies are more texts of the same patient. Her gradient is the mean over all her texts and is clipped
once, after it, so no copy raises what she can change.
"""

from collections.abc import Callable, Iterable, Sequence

from knowledge_graph.cohort.wording import graph_term_names
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph

PARENT_SHARE = 0.25  # of the observed findings that are told by a parent's name
_GENERAL = 5  # ancestors: a term this near the root has parents that say nothing
_PARTS = 1000
Draw = Callable[[int], int]


class FindingTeller:
    """Tells findings in the words of the ontology; `draw` gives a number below the one it is given."""

    def __init__(self, graph: CompiledGraph, draw: Draw):
        self._graph = graph
        self._names = graph_term_names(graph)
        self._draw = draw

    def knows(self, finding: Finding) -> bool:
        """Whether the ontology has the finding's term."""
        try:
            self._graph.resolve(finding.term_id)
        except UnknownTerm:
            return False
        return True

    def plain(self, findings: Sequence[Finding]) -> str:
        """Each by its own name; empty where there is none."""
        return _text(_said(self._graph.term_names[self._number(f)], f) for f in findings)

    def anew(self, findings: Sequence[Finding], *, copies: int) -> list[str]:
        """So many texts in other words; none where there is no finding."""
        return [_text(self._reworded(f) for f in findings) for _ in range(copies if findings else 0)]

    def _reworded(self, finding: Finding) -> str:
        """Excluded findings keep their term: that a parent is absent says more than that a child is."""
        number = self._number(finding)
        if finding.state is FindingState.OBSERVED and self._draw(_PARTS) < PARENT_SHARE * _PARTS:
            parents = self._graph.parents[number].tolist()
            if len(self._graph.ancestors[number]) > _GENERAL and parents:
                number = parents[self._draw(len(parents))]
        names = self._names(self._graph.term_ids[number])
        return _said(names[self._draw(len(names))], finding)

    def _number(self, finding: Finding) -> int:
        return self._graph.term_number(self._graph.resolve(finding.term_id))


def _said(name: str, finding: Finding) -> str:
    return name if finding.state is FindingState.OBSERVED else f"no {name}"


def _text(told: Iterable[str]) -> str:
    text = ". ".join(told)
    return f"{text}." if text else ""
