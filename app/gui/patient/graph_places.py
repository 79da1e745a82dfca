"""Where the nodes of an evidence graph stand: genes, disease, its terms, what lies between, findings."""

from dataclasses import dataclass

from knowledge_graph.rationale.evidence import SERIES
from knowledge_graph.rationale.evidence_graph import EvidenceEdge, EvidenceGraph, EvidenceNode

GENES, DISEASE, STATED, BETWEEN, FINDINGS = range(5)


@dataclass(frozen=True, slots=True)
class Place:
    """A node with its column (as named above) and its row, which may lie between two."""

    node: EvidenceNode
    column: int
    row: float


def graph_places(graph: EvidenceGraph) -> tuple[Place, ...]:
    """A finding stands in one line with the disease's term that it met; unmet findings come last."""
    nodes = {node.node_id: node for node in graph.nodes}
    disease = graph.nodes[0]
    stated = list(dict.fromkeys(e.target for e in graph.edges if e.source == disease.node_id))
    placed: list[Place] = []
    seen, row = set(stated), 0
    for term in stated:
        group = _reached(graph, term, seen)
        seen |= set(group)
        between = [nodes[n] for n in group if nodes[n].state is None]
        findings = [nodes[n] for n in group if nodes[n].state is not None]
        placed.append(Place(nodes[term], STATED, row))
        placed += [Place(node, BETWEEN, row + i) for i, node in enumerate(between)]
        placed += [Place(node, FINDINGS, row + i) for i, node in enumerate(findings)]
        row += max(1, len(between), len(findings))
    for node in graph.nodes:
        if node.kind == "term" and node.node_id not in seen:
            placed.append(Place(node, FINDINGS, row))
            row += 1
    middle = max(row - 1, 0) / 2
    genes = [node for node in graph.nodes if node.kind == "gene"]
    top = max(middle - (len(genes) - 1) / 2, 0.0)
    placed += [Place(node, GENES, top + i) for i, node in enumerate(genes)]
    return (Place(disease, DISEASE, middle), *placed)


_WORDS = {
    "associated_with": "is a gene of",
    "is_a": "is a kind of",
    "has_phenotype": "shows",
    "not_phenotype": "does not show",
}


def edge_sentence(graph: EvidenceGraph, edge: EvidenceEdge) -> str:
    """An edge in words: what a screen reader reads instead of the drawing."""
    names = {node.node_id: node.name for node in graph.nodes}
    words = _WORDS.get(edge.relation, edge.relation.replace("_", " "))
    frequency = f" ({edge.frequency})" if edge.frequency else ""
    who = edge.borrowed_from if edge.borrowed_from in ("", SERIES) else f"its kin {edge.borrowed_from}"
    lent = f", borrowed from {who}" if who else ""
    return f"{names[edge.source]} {words} {names[edge.target]}{frequency}{lent}"


def unmet(graph: EvidenceGraph) -> tuple[EvidenceNode, ...]:
    """Findings that no edge joins to the disease."""
    joined = {end for edge in graph.edges for end in (edge.source, edge.target)}
    return tuple(node for node in graph.nodes if node.kind == "term" and node.node_id not in joined)


def _reached(graph: EvidenceGraph, start: str, seen: set[str]) -> list[str]:
    """Terms that is_a steps join to a term, nearest first, past none that is placed already."""
    found, front = [], [start]
    known = set(seen)
    while front:
        now = front.pop(0)
        for edge in graph.edges:
            if edge.relation != "is_a" or now not in (edge.source, edge.target):
                continue
            other = edge.target if edge.source == now else edge.source
            if other not in known:
                known.add(other)
                found.append(other)
                front.append(other)
    return found
