"""The evidence for one disease as a small graph: findings, the terms they met, the disease, its genes.

The same as two lists, nodes and edges, which is what a screen reader needs and a drawing starts from. Drawn
from the compiled graph: loading NetworkX's for it takes seconds and 400 MB.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rationale.evidence import Evidence
from knowledge_graph.rationale.ontology_path import OntologyPaths
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
    """`relation` as in the knowledge graph; frequency and references where the source gives them.

    Where the disease says nothing of its own, `borrowed_from` names the kin (a disease id, or its series)
    whose row it is.
    """

    source: str
    target: str
    relation: str
    frequency: str = ""
    references: tuple[str, ...] = ()
    borrowed_from: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceGraph:
    """Nodes: the disease first, then genes, then terms; every edge joins two of the nodes."""

    nodes: tuple[EvidenceNode, ...]
    edges: tuple[EvidenceEdge, ...]


def evidence_graph(graph: CompiledGraph, disease_id: str, evidence: Iterable[Evidence]) -> EvidenceGraph:
    """What lies between the findings and the disease. Raises UnknownDisease, UnknownTerm."""
    given, disease = list(evidence), graph.disease_number(disease_id)
    genes = tuple(zip(graph.gene_ids[disease], graph.genes[disease], strict=True))
    nodes = [EvidenceNode(disease_id, "disease", graph.disease_names[disease])]
    nodes += [EvidenceNode(gene_id, "gene", label) for gene_id, label in genes]
    edges = [EvidenceEdge(gene_id, disease_id, "associated_with") for gene_id, _ in genes]
    met = [
        (graph.term_number(e.term_id), graph.term_number(e.matched_term_id) if e.matched_term_id else None)
        for e in given
    ]
    edges += _stated(graph, disease, {matched for _, matched in met if matched is not None})
    edges += dict.fromkeys(_borrowed(disease_id, given))
    paths = OntologyPaths(graph)
    steps = dict.fromkeys(step for term, matched in met for step in _steps(paths, term, matched))
    edges += [EvidenceEdge(graph.term_ids[below], graph.term_ids[above], "is_a") for below, above in steps]
    states = {str(e.term_id): e.state for e in given}
    shown = dict.fromkeys([*states, *(t for e in edges for t in (e.source, e.target))])
    terms = [(t, graph.term_index.get(TermId(t))) for t in shown]
    nodes += [
        EvidenceNode(t, "term", graph.term_names[number], states.get(t))
        for t, number in terms
        if number is not None
    ]
    return EvidenceGraph(tuple(nodes), tuple(edges))


def _stated(graph: CompiledGraph, disease: int, terms: set[int]) -> list[EvidenceEdge]:
    """The disease's own rows about these terms, one edge a term and relation."""
    rows = graph.associations
    columns = (rows.term, rows.excluded, rows.frequency, rows.reference)
    stated: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for term, excluded, how_often, who in zip(
        *(column[rows.rows_of(disease)].tolist() for column in columns), strict=True
    ):
        if term in terms:
            key = (graph.term_ids[term], "not_phenotype" if excluded else "has_phenotype")
            stated.setdefault(key, []).append((graph.texts[how_often], graph.texts[who]))
    return [
        EvidenceEdge(
            graph.disease_ids[disease],
            term,
            relation,
            ", ".join(dict.fromkeys(frequency for frequency, _ in said if frequency)),
            tuple(dict.fromkeys(reference for _, reference in said)),
        )
        for (term, relation), said in sorted(stated.items())
    ]


def _steps(paths: OntologyPaths, finding: int, matched: int | None) -> list[tuple[int, int]]:
    """The is_a steps that join two terms through the most telling term above both."""
    ways = ((), ()) if matched is None else paths.ways(finding, matched)
    return [step for way in ways for step in pairwise(way)]


def _borrowed(disease_id: str, evidence: Iterable[Evidence]) -> list[EvidenceEdge]:
    """What kin of the disease say in its place, each marked with who says it."""
    lent = [e for e in evidence if e.borrowed_from]
    return [
        EvidenceEdge(
            disease_id,
            e.matched_term_id or e.term_id,
            "has_phenotype",
            e.frequency,
            e.references,
            borrowed_from=e.borrowed_from,
        )
        for e in sorted(lent, key=lambda e: (e.matched_term_id or e.term_id, e.term_id))
    ]
