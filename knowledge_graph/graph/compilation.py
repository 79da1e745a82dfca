"""Compiles parsed sources into arrays."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Sex
from knowledge_graph.graph.arrays import Associations, Ints, Rows, rows_from
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.demographics import build_demographics
from knowledge_graph.graph.kinship import build_kinship, name_words
from knowledge_graph.graph.lone_gene import one_by_gene
from knowledge_graph.graph.namesakes import read_namesakes, shipped_namesakes
from knowledge_graph.graph.parsed_release import parse_release
from knowledge_graph.graph.portraits import read_portraits, shipped_portraits
from knowledge_graph.graph.profile import build_profiles
from knowledge_graph.graph.signature import build_signatures
from knowledge_graph.sources.association import Association
from knowledge_graph.sources.gene import GeneLink
from knowledge_graph.sources.hpo_release import HpoRelease, content_hash, of_one_release
from knowledge_graph.sources.ontology import Ontology, topological_order
from knowledge_graph.terms.gene import Gene
from knowledge_graph.terms.term import DiseaseId, TermId

_SEX = {Sex.FEMALE: 1, Sex.MALE: 2}


def compile_release(release: HpoRelease) -> CompiledGraph:
    """Parse one HPO release and compile it. Raises SourceRefused."""
    with of_one_release(release):
        ontology, associations, genes = parse_release(release)
        return compile_graph(ontology, associations, genes=genes, source_hash=content_hash(release))


def compile_graph(
    ontology: Ontology,
    associations: Iterable[Association],
    *,
    genes: Iterable[GeneLink],
    source_hash: str,
) -> CompiledGraph:
    """Number terms and diseases and lay everything out as arrays."""
    terms = _term_order(ontology)
    number = TermNumbers(ontology, terms)
    parents = rows_from([[number[p] for p in ontology.terms[t].parents] for t in terms])
    rows = sorted(associations, key=lambda a: a.disease_id)
    by_disease = [(d, list(group)) for d, group in groupby(rows, key=lambda a: a.disease_id)]
    texts = TextTable()
    ancestors = _ancestors(parents)
    arrays = _associations(by_disease, number, texts)
    disease_ids = tuple(d for d, _ in by_disease)
    names = tuple(group[0].disease_name for _, group in by_disease)
    genes_of = _genes_of(genes, disease_ids)
    labels = tuple(tuple(gene.label for gene in of_disease) for of_disease in genes_of)
    onsets = _aspect_terms(by_disease, number, aspect="C")
    signatures, profiles = build_signatures(arrays, texts.texts), build_profiles(ancestors, arrays)
    pairs = one_by_gene(disease_ids, labels, arrays, ancestors=ancestors, background=profiles.background)
    return CompiledGraph(
        version=ontology.version,
        content_hash=source_hash,
        term_ids=tuple(terms),
        term_names=tuple(ontology.terms[t].name for t in terms),
        term_synonyms=tuple(ontology.terms[t].synonyms for t in terms),
        alternatives=_alternatives(ontology),
        ancestors=ancestors,
        parents=parents,
        disease_ids=disease_ids,
        disease_names=names,
        name_words=tuple(map(name_words, names)),
        genes=labels,
        gene_ids=tuple(tuple(gene.gene_id for gene in of_disease) for of_disease in genes_of),
        onsets=onsets,
        inheritance=_aspect_terms(by_disease, number, aspect="I"),
        associations=arrays,
        profiles=profiles,
        signatures=signatures,
        kinship=build_kinship(disease_ids, names, labels, one_by_gene=pairs),
        demographics=build_demographics(onsets, arrays, term_index=number, ancestors=ancestors),
        namesakes=read_namesakes(shipped_namesakes(), disease_ids),
        portraits=read_portraits(shipped_portraits(), terms, disease_ids, signatures),
        texts=tuple(texts.texts),
    )


class TermNumbers(dict[TermId, int]):
    """The number of each current term; any other id is resolved when it is first asked for.

    Raises UnknownTerm.
    """

    def __init__(self, ontology: Ontology, terms: Sequence[TermId]) -> None:
        super().__init__({term: number for number, term in enumerate(terms)})
        self._ontology = ontology

    def __missing__(self, term_id: TermId) -> int:
        self[term_id] = self[self._ontology.resolve(term_id)]
        return self[term_id]


class TextTable:
    """Numbers distinct texts in order of first use, behind those of another table."""

    def __init__(self, known: dict[str, int] | None = None) -> None:
        self._number = dict(known or {})
        self.texts = list(self._number)

    def number(self, text: str) -> int:
        if text not in self._number:
            self._number[text] = len(self.texts)
            self.texts.append(text)
        return self._number[text]


def _term_order(ontology: Ontology) -> list[TermId]:
    living = {t: term.parents for t, term in ontology.terms.items() if not term.obsolete}
    return topological_order(living)


def _alternatives(ontology: Ontology) -> dict[str, TermId]:
    """Alternative ids and replaced obsolete ids, each to a current id."""
    found: dict[str, TermId] = {str(a): t for a, t in ontology.alternatives.items()}
    for term in ontology.terms.values():
        successor = ontology.terms.get(term.replaced_by) if term.replaced_by else None
        if term.obsolete and successor is not None and not successor.obsolete:
            found[term.term_id] = successor.term_id
    return found


def _ancestors(parents: Rows) -> Rows:
    closed: list[list[int]] = []
    for term in range(len(parents)):  # parents come first in the numbering
        above = {a for parent in parents[term] for a in closed[parent]}
        closed.append([*sorted(above), term])
    return rows_from(closed)


def _genes_of(links: Iterable[GeneLink], diseases: Sequence[DiseaseId]) -> list[list[Gene]]:
    found: dict[DiseaseId, list[Gene]] = {}
    for link in links:
        found.setdefault(link.disease_id, []).append(link.gene)
    return [sorted(found.get(d, ()), key=lambda gene: gene.label) for d in diseases]


ByDisease = list[tuple[DiseaseId, list[Association]]]


def _aspect_terms(by_disease: ByDisease, number: TermNumbers, *, aspect: str) -> Rows:
    return rows_from(
        [sorted({number[a.term_id] for a in group if a.aspect == aspect}) for _, group in by_disease]
    )


def _associations(by_disease: ByDisease, number: TermNumbers, texts: TextTable) -> Associations:
    groups = [[a for a in group if a.aspect == "P"] for _, group in by_disease]
    counts = [len(group) for group in groups]
    columns = association_columns(
        [a for group in groups for a in group],
        number=lambda term_id: number[TermId(term_id)],
        texts=texts,
    )
    indptr = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    return Associations(indptr=indptr, **columns)


def association_columns(
    rows: Sequence[Association], *, number: Callable[[str], int], texts: TextTable
) -> dict[str, npt.NDArray[Any]]:
    """The columns of Associations for these rows, in their order. Raises what `number` raises."""

    def ints(values: Iterable[int]) -> Ints:
        return np.fromiter(values, np.int32, len(rows))

    def fractions() -> Iterable[float]:
        return (np.nan if a.frequency.fraction is None else a.frequency.fraction for a in rows)

    return {
        "term": ints(number(a.term_id) for a in rows),
        "excluded": np.fromiter((a.excluded for a in rows), np.bool_, len(rows)),
        "numerator": ints(-1 if a.frequency.numerator is None else a.frequency.numerator for a in rows),
        "denominator": ints(a.frequency.denominator or 0 for a in rows),
        "fraction": np.fromiter(fractions(), np.float32, len(rows)),
        "onset": ints(number(a.onset) if a.onset else -1 for a in rows),
        "sex": np.fromiter((_SEX.get(a.sex, 0) for a in rows), np.int8, len(rows)),
        "reference": ints(texts.number(a.reference) for a in rows),
        "evidence": ints(texts.number(a.evidence) for a in rows),
        "frequency": ints(texts.number(a.frequency.text) for a in rows),
    }
