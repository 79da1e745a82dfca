"""Genes that packs tie to diseases, beside those of HPO: a gene that is known by its symbol stays itself."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.sources.knowledge_pack import KnowledgePack
from knowledge_graph.terms.gene import GeneId
from knowledge_graph.terms.term import DiseaseId


class OverlaidGenes(NamedTuple):
    """`labels` and `ids` of each disease, by label; `added` are the labels that packs alone name."""

    labels: tuple[tuple[str, ...], ...]
    ids: tuple[tuple[GeneId, ...], ...]
    added: Mapping[int, frozenset[str]]


def overlaid_genes(
    base: CompiledGraph, packs: Iterable[KnowledgePack], number: Mapping[DiseaseId, int]
) -> OverlaidGenes:
    """The base's genes with the packs', for as many diseases as `number` has."""
    more = len(number) - len(base.genes)
    labels, ids = [*base.genes, *((),) * more], [*base.gene_ids, *((),) * more]
    told = [tie for pack in packs for tie in pack.genes]
    if not told:
        return OverlaidGenes(tuple(labels), tuple(ids), {})
    known = {
        label: gene
        for of_disease, names in zip(base.gene_ids, base.genes, strict=True)
        for gene, label in zip(of_disease, names, strict=True)
    }
    added: dict[int, set[str]] = {}
    for tie in told:
        place, label = number[tie.disease_id], tie.gene.label
        if label not in labels[place]:
            both = sorted(
                [*zip(labels[place], ids[place], strict=True), (label, known.get(label, tie.gene.gene_id))]
            )
            labels[place], ids[place] = tuple(n for n, _ in both), tuple(g for _, g in both)
            added.setdefault(place, set()).add(label)
    return OverlaidGenes(tuple(labels), tuple(ids), {n: frozenset(names) for n, names in added.items()})
