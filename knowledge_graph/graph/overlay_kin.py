"""Kin of the packs' diseases: the same name in another source, or the ids that a pack says are the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.kinship import Kinship, name_words
from knowledge_graph.graph.overlay_genes import OverlaidGenes
from knowledge_graph.graph.splicing import spliced_rows
from knowledge_graph.sources.knowledge_pack import PackDisease
from knowledge_graph.terms.term import DiseaseId


def overlaid_kinship(
    base: CompiledGraph,
    disease_ids: Sequence[DiseaseId],
    names: Sequence[str],
    *,
    said: Mapping[int, PackDisease],
    genes: OverlaidGenes,
) -> Kinship:
    """The base's kin with those that the packs' diseases, same ids and genes add."""
    first, count = len(base.disease_ids), len(disease_ids)
    number = {disease: n for n, disease in enumerate(disease_ids) if n >= first}
    wording: dict[str, list[int]] = {}
    for n in range(first, count):
        wording.setdefault(name_words(names[n]), []).append(n)
    same: list[list[int]] = [[*base.name_index.get(words, ()), *alike] for words, alike in wording.items()]
    for n, disease in said.items():
        known = [number.get(other, base.disease_index.get(other)) for other in disease.same_as]
        same += [
            [n, other, *base.kinship.twins[other].tolist()] if other < first else [n, other]
            for other in known
            if other is not None
        ]
    pairs = {(a, b) for group in _joined(same) for a in group for b in group}
    added: dict[int, list[int]] = {}
    for a, b in sorted(pairs):
        there = max(a, b) < first
        if disease_ids[a].split(":")[0] != disease_ids[b].split(":")[0] and not there:
            added.setdefault(a, []).append(b)
    for a, b in sorted(_stated(base, said)):
        added.setdefault(a, []).append(b)
    kin = base.kinship
    return replace(
        kin,
        twins=spliced_rows(kin.twins, added, count=count),
        same_gene=spliced_rows(kin.same_gene, _same_gene(base, disease_ids, genes), count=count),
    )


def _stated(base: CompiledGraph, said: Mapping[int, PackDisease]) -> set[tuple[int, int]]:
    """Pairs of the base's own diseases that are one by a pack's word, and no twins yet; both ways."""
    twins = base.kinship.twins
    told = ((n, base.disease_index.get(other)) for n, disease in said.items() for other in disease.same_as)
    groups = [
        [n, m, *twins[n].tolist(), *twins[m].tolist()]
        for n, m in told
        if m is not None and n < len(base.disease_ids)
    ]
    return {
        (a, b)
        for group in _joined(groups)
        for a in group
        for b in group
        if base.spaces[a] != base.spaces[b] and b not in twins[a]
    }


def _same_gene(
    base: CompiledGraph, disease_ids: Sequence[DiseaseId], genes: OverlaidGenes
) -> dict[int, list[int]]:
    """Of each disease, those of another source with which a pack's gene makes it kin."""
    if not genes.added:
        return {}
    owners: dict[str, list[int]] = {}
    for disease, labels in enumerate(genes.labels):
        for label in labels:
            owners.setdefault(label, []).append(disease)
    found: dict[int, set[int]] = {}
    for disease, added in genes.added.items():
        for other in {n for label in added for n in owners[label]}:
            if disease_ids[other].split(":")[0] != disease_ids[disease].split(":")[0]:
                found.setdefault(disease, set()).add(other)
                found.setdefault(other, set()).add(disease)
    known = base.kinship.same_gene
    return {
        n: sorted(others - set(known[n].tolist() if n < len(known) else ())) for n, others in found.items()
    }


def _joined(groups: Iterable[Iterable[int]]) -> Iterable[set[int]]:
    """Groups that share a member, as one."""
    member_of: dict[int, set[int]] = {}
    for group in groups:
        whole = {n for one in group for n in member_of.get(one, {one})}
        member_of.update(dict.fromkeys(whole, whole))
    return {id(group): group for group in member_of.values()}.values()
