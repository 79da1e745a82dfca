"""The evidence for one disease as a small graph: findings, the terms they met, the disease, its genes.

The same as two lists, nodes and edges, which is what a screen reader needs and a drawing starts from.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx

from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.knowledge_graph import KnowledgeGraph
from knowledge_graph.rationale.explanation import FindingEvidence
from knowledge_graph.terms.term import TermId


@dataclass(frozen=True, slots=True)
class EvidenceNode:
    """`kind` is disease, gene or term; `state` is set where the term is one of the findings."""

    node_id: str
    kind: str
    name: str
    state: FindingState | None = None


@dataclass(frozen=True, slots=True)
class EvidenceEdge:
    """`relation` as in the knowledge graph; frequency and references where the source gives them."""

    source: str
    target: str
    relation: str
    frequency: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceGraph:
    """Nodes: the disease first, then genes, then terms; every edge joins two of the nodes."""

    nodes: tuple[EvidenceNode, ...]
    edges: tuple[EvidenceEdge, ...]


def evidence_graph(
    knowledge: KnowledgeGraph, disease_id: str, evidence: Iterable[FindingEvidence]
) -> EvidenceGraph:
    """What lies between the findings and the disease. Raises UnknownDisease, UnknownTerm."""
    given = list(evidence)
    genes = knowledge.genes_of(disease_id)
    nodes = [EvidenceNode(disease_id, "disease", knowledge.network.nodes[disease_id]["disease"].name)]
    nodes += [EvidenceNode(gene.gene_id, "gene", gene.label) for gene in genes]
    edges = [EvidenceEdge(gene.gene_id, disease_id, "associated_with") for gene in genes]
    edges += _stated(knowledge, disease_id, {e.matched_term_id for e in given if e.matched_term_id})
    climbed = dict.fromkeys(step for e in given for step in _path(knowledge, e.term_id, e.matched_term_id))
    edges += [EvidenceEdge(below, above, "is_a") for below, above in climbed]
    states = {e.term_id: e.state for e in given}
    shown = dict.fromkeys([*states, *(t for e in edges for t in (e.source, e.target))])
    nodes += [
        EvidenceNode(t, "term", knowledge.network.nodes[t]["term"].name, states.get(TermId(t)))
        for t in shown
        if knowledge.network.nodes[t]["kind"] == "term"
    ]
    return EvidenceGraph(tuple(nodes), tuple(edges))


def _stated(knowledge: KnowledgeGraph, disease_id: str, terms: set[TermId]) -> list[EvidenceEdge]:
    """The disease's own rows about these terms, one edge a term and relation."""
    rows: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for _, term, data in knowledge.network.out_edges(disease_id, data=True):
        if term in terms:
            row = data["association"]
            rows.setdefault((term, data["relation"]), []).append((row.frequency.text, row.reference))
    return [
        EvidenceEdge(
            disease_id,
            term,
            relation,
            ", ".join(dict.fromkeys(frequency for frequency, _ in said if frequency)),
            tuple(dict.fromkeys(reference for _, reference in said)),
        )
        for (term, relation), said in sorted(rows.items())
    ]


def _path(knowledge: KnowledgeGraph, finding: TermId, matched: TermId | None) -> list[tuple[str, str]]:
    """The is_a steps that join two terms through their nearest common ancestor."""
    if knowledge.network.nodes.get(finding, {}).get("kind") != "term":
        raise UnknownTerm(f"{finding} is not a current term of HPO {knowledge.version}; check the id")
    if matched is None:
        return []
    up = [nx.single_source_shortest_path(knowledge.network, term) for term in (finding, matched)]
    shared = [a for a in up[0] if a in up[1]]
    if not shared:
        return []
    nearest = min(shared, key=lambda a: (len(up[0][a]) + len(up[1][a]), a))
    return [step for paths in up for step in zip(paths[nearest], paths[nearest][1:], strict=False)]
