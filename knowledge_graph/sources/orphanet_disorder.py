"""What a disorder of one of Orphanet's products tells: phenotypes, cross references, genes, ages, prevalence.

Classes are known by their number where Orphanet's is published, else by their English name; what is none of
them ("No data available", a gene that was only tested) is left out.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec

from knowledge_graph.errors import SourceRefused
from knowledge_graph.sources.association import FREQUENCY_CLASSES, Association, Frequency
from knowledge_graph.sources.knowledge_pack import PackDisease, PackGene
from knowledge_graph.sources.pack_rows import row
from knowledge_graph.terms.gene import Gene, GeneId
from knowledge_graph.terms.term import DiseaseId

# HPOFrequency/@id of Orphadata, to HPO's frequency classes in the same order
_FREQUENCIES = dict(
    zip(("28419", "28405", "28412", "28426", "28433", "28440"), FREQUENCY_CLASSES.values(), strict=True)
)
_BY_NAME = {words.split(" (")[0]: (value, words) for value, words in FREQUENCY_CLASSES.values()}
_EXACT, _VALIDATED = "21527", "21611"  # DisorderMappingRelation/@id, DisorderMappingValidationStatus/@id
_CAUSAL = (  # of Orphanet's ten kinds; not: candidate or biomarker tested in, modifying, not yet assessed
    "Disease-causing germline mutation(s) in",
    "Disease-causing germline mutation(s) (loss of function) in",
    "Disease-causing germline mutation(s) (gain of function) in",
    "Disease-causing somatic mutation(s) in",
    "Major susceptibility factor in",
    "Part of a fusion gene in",
    "Role in the phenotype of",
)
_ONSETS = {
    "Antenatal": "HP:0030674",
    "Neonatal": "HP:0003623",
    "Infancy": "HP:0003593",
    "Childhood": "HP:0011463",
    "Adolescent": "HP:0003621",
    "Adult": "HP:0003581",
    "Elderly": "HP:0003584",
}
_ANY_AGE = "All ages"
_INHERITANCES = {
    "Autosomal dominant": "HP:0000006",
    "Autosomal recessive": "HP:0000007",
    "X-linked recessive": "HP:0001419",
    "X-linked dominant": "HP:0001423",
    "Mitochondrial inheritance": "HP:0001427",
    "Y-linked": "HP:0001450",
    "Multigenic/multifactorial": "HP:0001426",
    "Oligogenic": "HP:0010983",
    "Semi-dominant": "HP:0032113",
}
_PMID = re.compile(r"(\d+)\[PMID\]")


class DisorderFacts(NamedTuple):
    """What a product tells of one disorder. A pack without a word on it says nothing but its name."""

    disease: PackDisease
    rows: tuple[Association, ...] = ()
    genes: tuple[PackGene, ...] = ()

    @property
    def says_something(self) -> bool:
        """Whether there is more than the name."""
        return bool(self.rows or self.genes or self.disease.same_as or self.disease.epidemiology)


def told_phenotypes(element: Any, disease: PackDisease, where: str) -> DisorderFacts:
    """Product 4: findings with their frequency class. Raises SourceRefused."""
    return DisorderFacts(disease, tuple(_phenotypes(element, disease, where)))


def told_names(element: Any, disease: PackDisease, where: str) -> DisorderFacts:
    """Product 1: the OMIM entries that Orphanet has validated as exactly the same."""
    same = tuple(
        DiseaseId(f"OMIM:{tie.findtext('Reference', '').strip()}")
        for tie in element.iterfind("ExternalReferenceList/ExternalReference")
        if tie.findtext("Source", "").strip() == "OMIM"
        and _is(tie.find("DisorderMappingRelation"), _EXACT)
        and _is(tie.find("DisorderMappingValidationStatus"), _VALIDATED)
    )
    broken = next((number for number in same if not number[5:].isdigit()), None)
    if broken is not None:
        raise SourceRefused(f"{where} names {broken}, which is no OMIM number; fetch the file again")
    return DisorderFacts(replace(disease, same_as=tuple(dict.fromkeys(same))))


def told_genes(element: Any, disease: PackDisease, where: str) -> DisorderFacts:
    """Product 6: genes that cause the disease or weigh in it, with their articles. Raises SourceRefused."""
    return DisorderFacts(disease, genes=tuple(_genes(element, disease, where)))


def told_ages(element: Any, disease: PackDisease, where: str) -> DisorderFacts:
    """Product 9, natural history: when the disease begins, and how it is inherited, as HPO says it."""
    begins = _names(element, "AverageAgeOfOnsetList/AverageAgeOfOnset")
    onsets = [] if _ANY_AGE in begins else [_ONSETS[name] for name in begins if name in _ONSETS]
    inherited = _names(element, "TypeOfInheritanceList/TypeOfInheritance")
    modes = [_INHERITANCES[name] for name in inherited if name in _INHERITANCES]
    said = [("C", term) for term in onsets] + [("I", term) for term in modes]
    return DisorderFacts(disease, tuple(_row_of_aspect(disease, aspect, term) for aspect, term in said))


def told_prevalence(element: Any, disease: PackDisease, where: str) -> DisorderFacts:
    """Product 9, prevalence: each validated figure in Orphanet's words, with its articles."""
    lines = (_prevalence(tie) for tie in element.iterfind("PrevalenceList/Prevalence"))
    return DisorderFacts(replace(disease, epidemiology=tuple(dict.fromkeys(filter(None, lines)))))


def _phenotypes(element: Any, disease: PackDisease, where: str) -> Iterator[Association]:
    for tie in element.iterfind("HPODisorderAssociationList/HPODisorderAssociation"):
        term = tie.findtext("HPO/HPOId", "").strip()
        if not term.startswith("HP:"):
            raise SourceRefused(f"{where} has a phenotype without an HPO id")
        frequency = _frequency(tie.find("HPOFrequency"), where)
        yield row(disease, term, frequency, source=disease.source, pack_id="orphanet", estimate=False)


def _frequency(element: Any, where: str) -> Frequency:
    if element is None:
        return Frequency()
    said = element.findtext("Name", "").split(" (")[0].strip().lower()
    known = _BY_NAME.get(said) or _FREQUENCIES.get(element.get("id", ""))
    if known is None:
        raise SourceRefused(f"{where} has a frequency that is none of Orphanet's six classes")
    return Frequency(known[1], fraction=known[0])


def _is(element: Any, number: str) -> bool:
    return element is not None and element.get("id") == number


def _genes(element: Any, disease: PackDisease, where: str) -> Iterator[PackGene]:
    for tie in element.iterfind("DisorderGeneAssociationList/DisorderGeneAssociation"):
        symbol = tie.findtext("Gene/Symbol", "").strip()
        if not symbol:
            raise SourceRefused(f"{where} is tied to a gene without a symbol; fetch the file again")
        kind = tie.findtext("DisorderGeneAssociationType/Name", "").strip()
        if kind in _CAUSAL and tie.findtext("DisorderGeneAssociationStatus/Name", "").strip() == "Assessed":
            articles = _articles(tie.findtext("SourceOfValidation", ""))
            yield PackGene(
                Gene(_gene_id(tie, symbol), symbol), disease.disease_id, articles or disease.source
            )


def _gene_id(tie: Any, symbol: str) -> GeneId:
    """Orphanet names no NCBI number: HGNC's, else the symbol itself."""
    for other in tie.iterfind("Gene/ExternalReferenceList/ExternalReference"):
        if other.findtext("Source", "").strip() == "HGNC":
            return GeneId(f"HGNC:{other.findtext('Reference', '').strip().removeprefix('HGNC:')}")
    return GeneId(f"SYMBOL:{symbol}")


def _articles(text: str) -> str:
    return ", ".join(f"PMID:{number}" for number in _PMID.findall(text))


def _names(element: Any, path: str) -> list[str]:
    return [found.findtext("Name", "").strip() for found in element.iterfind(path)]


def _row_of_aspect(disease: PackDisease, aspect: str, term: str) -> Association:
    said = row(disease, term, Frequency(), source=disease.source, pack_id="orphanet-ages", estimate=False)
    return msgspec.structs.replace(said, aspect=aspect)


def _prevalence(tie: Any) -> str:
    """ "point prevalence 1-9 / 100 000, Europe (PMID:1)"; "" where it is not validated or has no figure."""
    kind, often, place, status = (
        tie.findtext(f"{tag}/Name", "").strip()
        for tag in ("PrevalenceType", "PrevalenceClass", "PrevalenceGeographic", "PrevalenceValidationStatus")
    )
    if not often and kind == "Cases/families" and float(tie.findtext("ValMoy", "0") or 0) > 0:
        often = f"{float(tie.findtext('ValMoy', '0')):g}"
    if status != "Validated" or not kind or not any(letter.isdigit() for letter in often):
        return ""
    articles = _articles(tie.findtext("Source", ""))
    return (
        f"{kind.lower()} {often}" + (f", {place}" if place else "") + (f" ({articles})" if articles else "")
    )
