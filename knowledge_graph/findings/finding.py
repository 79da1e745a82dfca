"""A finding: one HPO term that was observed in, or excluded from, a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from knowledge_graph.terms.term import TermId


class FindingState(StrEnum):
    """Whether the phenotypic abnormality is there (GA4GH phenopacket `excluded`)."""

    OBSERVED = "observed"
    EXCLUDED = "excluded"


class Sex(StrEnum):
    """The GA4GH phenopacket `Sex` values that the ranking distinguishes."""

    FEMALE = "FEMALE"
    MALE = "MALE"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Finding:
    """A term with its state and, where known, the age in days at which it began."""

    term_id: TermId
    state: FindingState = FindingState.OBSERVED
    onset_days: int | None = None


def observed_count(findings: Iterable[Finding]) -> int:
    """How many findings are observed."""
    return sum(f.state is FindingState.OBSERVED for f in findings)
