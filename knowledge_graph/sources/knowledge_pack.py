"""A knowledge pack: diseases, findings and local terms that are laid beside HPO, each row with its source."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

from knowledge_graph.findings.finding import Sex
from knowledge_graph.sources.association import Association
from knowledge_graph.terms.gene import Gene
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
    """What a pack says of one disease beside its findings. `ages` are years, both included.

    `ages` are the usual ones, `possible_ages` those outside which hardly anybody has it. Of `sex` the other
    one has it too, if seldom, where `other_sex_too`. `epidemiology` is how often it is met, in the source's
    words: shown, never counted.
    """

    disease_id: DiseaseId
    name: str
    icd10cm: str = ""
    ages: tuple[float, float] | None = None
    sex: Sex = Sex.UNKNOWN
    prevalence: Mapping[Setting, Prevalence] = field(default_factory=dict)
    urgency: Urgency | None = None
    source: str = ""
    same_as: tuple[DiseaseId, ...] = ()
    epidemiology: tuple[str, ...] = ()
    possible_ages: tuple[float, float] | None = None
    other_sex_too: bool = False

    def and_later(self, later: "PackDisease") -> "PackDisease":
        """What both say, the later pack's word where they differ."""
        return replace(
            later,
            icd10cm=later.icd10cm or self.icd10cm,
            ages=later.ages or self.ages,
            possible_ages=later.possible_ages or (None if later.ages else self.possible_ages),
            sex=self.sex if later.sex is Sex.UNKNOWN else later.sex,
            other_sex_too=(self if later.sex is Sex.UNKNOWN else later).other_sex_too,
            prevalence={**self.prevalence, **later.prevalence},
            urgency=later.urgency or self.urgency,
            source="; ".join(dict.fromkeys(filter(None, (self.source, later.source)))),
            same_as=tuple(dict.fromkeys((*self.same_as, *later.same_as))),
            epidemiology=tuple(dict.fromkeys((*self.epidemiology, *later.epidemiology))),
        )


@dataclass(frozen=True, slots=True)
class PackGene:
    """A gene that a pack ties to a disease; `reference` are the articles that say so."""

    gene: Gene
    disease_id: DiseaseId
    reference: str = ""


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
    genes: tuple[PackGene, ...] = ()
    strict: bool = True
    stated_names: tuple[str, ...] = ()

    def about(self, known: Container[DiseaseId]) -> "KnowledgePack":
        """The pack; one that is not strict without what it says of diseases that nobody describes."""
        described = {row.disease_id for row in self.rows if row.aspect == "P"}
        kept = tuple(d for d in self.diseases if d.disease_id in known or d.disease_id in described)
        if self.strict or len(kept) == len(self.diseases):
            return self
        ids = {disease.disease_id for disease in kept}
        told = [pair for pair in zip(self.rows, self.places, strict=True) if pair[0].disease_id in ids]
        return replace(
            self,
            diseases=kept,
            rows=tuple(row for row, _ in told),
            places=tuple(place for _, place in told),
            genes=tuple(tie for tie in self.genes if tie.disease_id in ids),
        )

    @property
    def title(self) -> str:
        """Name and version in one."""
        return f"{self.name} {self.version}".strip()
