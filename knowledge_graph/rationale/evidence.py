"""What one finding says of one disease; stored and sent without the graph that it came from."""

from dataclasses import dataclass

from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId

SERIES = "its series"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding's share, a natural logarithm. `matched` is the disease's own term that it met, if any.

    Where the disease's kin speaks for it, `borrowed_from` names it (a disease id, or SERIES), and match,
    frequency and references (as `PMID:`) are that disease's.
    """

    term_id: TermId
    name: str
    state: FindingState
    log_likelihood_ratio: float
    references: tuple[str, ...] = ()
    frequency: str = ""
    matched_term_id: TermId | None = None
    matched_name: str = ""
    borrowed_from: str = ""
