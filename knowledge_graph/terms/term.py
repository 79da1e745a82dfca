"""Terms and diseases: the nouns of the ontology, plain Python."""

from dataclasses import dataclass
from typing import NewType

TermId = NewType("TermId", str)
DiseaseId = NewType("DiseaseId", str)


@dataclass(frozen=True, slots=True)
class Term:
    """One class of the Human Phenotype Ontology (`HP:0001250`)."""

    term_id: TermId
    name: str
    synonyms: tuple[str, ...] = ()
    lay_synonyms: tuple[str, ...] = ()  # those of `synonyms` that are in laypeople's words
    definition: str = ""
    parents: tuple[TermId, ...] = ()
    alternative_ids: tuple[TermId, ...] = ()
    obsolete: bool = False
    replaced_by: TermId | None = None


@dataclass(frozen=True, slots=True)
class Disease:
    """One disease of the knowledge (`OMIM:`, `ORPHA:`, `DECIPHER:` or a local id)."""

    disease_id: DiseaseId
    name: str
