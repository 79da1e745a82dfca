"""What one finding says of one disease; stored and sent without the graph that it came from."""

from dataclasses import dataclass

from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId

SERIES = "its series"


@dataclass(frozen=True, slots=True)
class PathTerm:
    """A term on the way from a finding to what it met; `up`: it is above the one before, and else below."""

    term_id: TermId
    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """One finding's share, a natural logarithm. `matched` is the disease's own term that it met, if any.

    Frequency and references are those of `matched`. Where that is not the finding itself, `path` leads from
    the finding to it, the finding left out: up to the most telling above both, and down. Where the disease's
    kin speaks for it, `borrowed_from` names it (a disease id, or SERIES), and match, frequency and references
    (as `PMID:`) are that disease's.
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
    path: tuple[PathTerm, ...] = ()

    @property
    def met_as(self) -> str:
        """In words what was met where it is not the finding itself: "as C (A < B > C)"; else empty.

        `<`: a kind of what follows; `>`: what follows is a kind of it; doubled over several steps.
        """
        if not self.path:
            return ""
        up = [step.name for step in self.path if step.up]
        down = [step.name for step in self.path if not step.up]
        way = self.name
        for sign, names in (("<", up), (">", down)):
            way += f" {sign * min(len(names), 2)} {names[-1]}" if names else ""
        return f"as {self.matched_name} ({way})"

    @property
    def frequency_as_met(self) -> str:
        """How often, and of what where that is not the finding itself: "as Fever, very frequent"."""
        return ", ".join(filter(None, (f"as {self.matched_name}" if self.path else "", self.frequency)))
