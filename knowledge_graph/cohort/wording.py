"""The wordings of a term that fit into a note: its name first, then readable synonyms."""

import re
from collections.abc import Sequence

from knowledge_graph.cohort.note_writing import TermNames
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import TermId

_LONGEST = 60
_UNREADABLE = re.compile(r"[\[\]{}<>|\n]|\(disorder\)|\(finding\)")


def graph_term_names(graph: CompiledGraph) -> TermNames:
    """A function from a term id to its wordings, remembered once asked."""
    known: dict[TermId, tuple[str, ...]] = {}

    def term_names(term_id: TermId) -> Sequence[str]:
        if term_id not in known:
            number = graph.term_number(term_id)
            synonyms = (s for s in graph.term_synonyms[number] if _readable(s))
            known[term_id] = (graph.term_names[number], *synonyms)
        return known[term_id]

    return term_names


def _readable(synonym: str) -> bool:
    return 3 < len(synonym) <= _LONGEST and not _UNREADABLE.search(synonym)
