"""A knowledge pack: diseases, findings and local terms that are laid beside HPO, each row with its source."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from knowledge_graph.findings.finding import Sex
from knowledge_graph.sources.association import Association
from knowledge_graph.terms.occurrence import Prevalence, Setting, Urgency
from knowledge_graph.terms.term import DiseaseId, TermId

OLDEST_YEARS = 130.0


@dataclass(frozen=True, slots=True)
class LocalTerm:
    """A finding in a pack's own words. `parents` are HPO or local ids, and only where the link is certain."""

    term_id: TermId
    name: str
    parents: tuple[TermId, ...] = ()
    alternative_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackDisease:
    """What a pack says of one disease beside its findings. `ages` are years, both included."""

    disease_id: DiseaseId
    name: str
    icd10cm: str = ""
    ages: tuple[float, float] | None = None
    sex: Sex = Sex.UNKNOWN
    prevalence: Mapping[Setting, Prevalence] = field(default_factory=dict)
    urgency: Urgency | None = None
    source: str = ""
    same_as: tuple[DiseaseId, ...] = ()


@dataclass(frozen=True, slots=True)
class KnowledgePack:
    """One pack as read, not yet compared with HPO. `places[i]` is where row i stands (`file:line`),
    `stated_names[i]` what it calls its term.

    `content_hash` is the SHA-256 of the files it was read from. A `strict` pack may only speak of terms that
    the installed HPO has; in others (a newer release's) such rows are left out and counted.
    """

    pack_id: str
    name: str
    version: str
    licence: str
    diseases: tuple[PackDisease, ...]
    rows: tuple[Association, ...]
    places: tuple[str, ...]
    content_hash: str
    terms: tuple[LocalTerm, ...] = ()
    strict: bool = True
    stated_names: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name and version in one."""
        return f"{self.name} {self.version}".strip()
