"""The evidence as a graph: what is drawn from the arrays is what the NetworkX graph says."""

from collections.abc import Iterable

import networkx as nx
import numpy as np
import pytest

from knowledge_graph.errors import UnknownDisease
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.knowledge_graph import KnowledgeGraph, load_knowledge
from knowledge_graph.ranking.rank import rank
from knowledge_graph.rationale.evidence import SERIES, Evidence
from knowledge_graph.rationale.evidence_graph import (
    EvidenceEdge,
    EvidenceGraph,
    EvidenceNode,
    evidence_graph,
)
from knowledge_graph.rationale.explanation import Reasons
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph

FOCAL, SEIZURE, FEVER = (TermId(f"HP:00000{n}") for n in (11, 10, 20))


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def evidence_of(graph: CompiledGraph, *terms: TermId) -> EvidenceGraph:
    scores = rank(graph, [Finding(t) for t in terms])
    return evidence_graph(graph, "OMIM:1", Reasons(graph, scores).explain("OMIM:1"))


def test_the_evidence_graph_joins_findings_disease_and_genes(graph: CompiledGraph) -> None:
    drawn = evidence_of(graph, SEIZURE)
    assert [(n.node_id, n.kind) for n in drawn.nodes] == [
        ("OMIM:1", "disease"),
        ("NCBIGene:1", "gene"),
        (SEIZURE, "term"),
        (FOCAL, "term"),
    ]
    assert set(drawn.edges) == {
        EvidenceEdge("NCBIGene:1", "OMIM:1", "associated_with"),
        EvidenceEdge("OMIM:1", FOCAL, "has_phenotype", "8/10, 1/2", ("PMID:1", "PMID:2")),
        EvidenceEdge(FOCAL, SEIZURE, "is_a"),
    }


def test_every_edge_of_the_evidence_joins_two_of_its_nodes(graph: CompiledGraph) -> None:
    drawn = evidence_of(graph, TermId("HP:0000031"), FEVER)
    known = {node.node_id for node in drawn.nodes}
    assert all({edge.source, edge.target} <= known for edge in drawn.edges)
    assert [n.name for n in drawn.nodes if n.state == "observed"] == ["Fever", "Itchy rash"]


def test_what_kin_say_is_drawn_and_marked_as_theirs(graph: CompiledGraph) -> None:
    lent = Evidence(
        FEVER,
        "Fever",
        FindingState.OBSERVED,
        1.0,
        ("PMID:9",),
        "3/4",
        SEIZURE,
        "Seizure",
        borrowed_from="ORPHA:3",
    )
    many = Evidence(FOCAL, "Focal seizure", FindingState.OBSERVED, 0.5, borrowed_from=SERIES)
    drawn = evidence_graph(graph, "OMIM:2", [lent, many])
    assert [e for e in drawn.edges if e.borrowed_from] == [
        EvidenceEdge("OMIM:2", SEIZURE, "has_phenotype", "3/4", ("PMID:9",), "ORPHA:3"),
        EvidenceEdge("OMIM:2", FOCAL, "has_phenotype", borrowed_from=SERIES),
    ]
    assert {n.name for n in drawn.nodes} >= {"Fever", "Seizure", "Focal seizure"}


def test_an_unknown_disease_is_refused(graph: CompiledGraph) -> None:
    with pytest.raises(UnknownDisease):
        evidence_graph(graph, "OMIM:9", ())


@pytest.mark.slow
def test_the_drawing_equals_the_one_from_the_networkx_graph(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(12)
    knowledge = load_knowledge()
    told = dict(zip(map(str, real_graph.term_ids), real_graph.information.tolist(), strict=True))
    for _ in range(4):
        findings = [Finding(real_graph.term_ids[t]) for t in rng.choice(real_graph.associations.term, 8)]
        scores = rank(real_graph, findings)
        for disease in scores.best(3).tolist():
            disease_id = real_graph.disease_ids[disease]
            reasons = Reasons(real_graph, scores).explain(disease_id)
            slow = network_evidence(knowledge, disease_id, reasons, told=told)
            assert evidence_graph(real_graph, disease_id, reasons) == slow


def network_evidence(
    knowledge: KnowledgeGraph, disease_id: str, evidence: Iterable[Evidence], *, told: dict[str, float]
) -> EvidenceGraph:
    """The slow, obvious form: from the NetworkX graph."""
    given = list(evidence)
    tied = {g: knowledge.network.nodes[g]["gene"] for g in knowledge.network.predecessors(disease_id)}
    genes = sorted(tied.values(), key=lambda gene: gene.label)
    nodes = [EvidenceNode(disease_id, "disease", knowledge.network.nodes[disease_id]["disease"].name)]
    nodes += [EvidenceNode(gene.gene_id, "gene", gene.label) for gene in genes]
    edges = [EvidenceEdge(gene.gene_id, disease_id, "associated_with") for gene in genes]
    edges += _network_rows(knowledge, disease_id, {e.matched_term_id for e in given if e.matched_term_id})
    edges += _network_kin(disease_id, given)
    climbed = dict.fromkeys(
        step for e in given for step in _climb(knowledge, e.term_id, e.matched_term_id, told)
    )
    edges += [EvidenceEdge(below, above, "is_a") for below, above in climbed]
    states = {e.term_id: e.state for e in given}
    shown = dict.fromkeys([*states, *(t for e in edges for t in (e.source, e.target))])
    nodes += [
        EvidenceNode(t, "term", knowledge.network.nodes[t]["term"].name, states.get(TermId(t)))
        for t in shown
        if knowledge.network.nodes[t]["kind"] == "term"
    ]
    return EvidenceGraph(tuple(nodes), tuple(edges))


def _network_rows(knowledge: KnowledgeGraph, disease_id: str, terms: set[TermId]) -> list[EvidenceEdge]:
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


def _network_kin(disease_id: str, evidence: list[Evidence]) -> list[EvidenceEdge]:
    """What is borrowed, each row once."""
    edges: list[EvidenceEdge] = []
    for e in sorted(evidence, key=lambda e: (e.matched_term_id or e.term_id, e.term_id)):
        met = e.matched_term_id or e.term_id
        edge = EvidenceEdge(disease_id, met, "has_phenotype", e.frequency, e.references, e.borrowed_from)
        if e.borrowed_from and edge not in edges:
            edges.append(edge)
    return edges


def _climb(
    knowledge: KnowledgeGraph, finding: TermId, matched: TermId | None, told: dict[str, float]
) -> list[tuple[str, str]]:
    """The is_a steps that join two terms through the most telling term above both."""
    if matched is None:
        return []
    up = [nx.single_source_shortest_path(knowledge.network, term) for term in (finding, matched)]
    shared = [a for a in up[0] if a in up[1]]
    if not shared:
        return []
    nearest = min(shared, key=lambda a: (-told[a], len(up[0][a]) + len(up[1][a]), a))
    return [step for paths in up for step in zip(paths[nearest], paths[nearest][1:], strict=False)]
