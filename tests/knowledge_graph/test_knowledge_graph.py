"""The NetworkX graph says what the sources say, and what is compiled follows from it."""

from pathlib import Path

import networkx as nx
import pytest

from knowledge_graph.errors import SourceRefused
from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.cache import to_bytes
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.knowledge_graph import KnowledgeGraph, load_knowledge, relation_of
from knowledge_graph.graph.recompilation import compile_knowledge
from knowledge_graph.ranking.rank import rank
from knowledge_graph.sources.association import Association, Frequency
from knowledge_graph.terms.term import Disease, DiseaseId, TermId
from tests.knowledge_graph.mini_release import GENES, write_mini_release

FOCAL, SEIZURE, FEVER = (TermId(f"HP:00000{n}") for n in (11, 10, 20))


@pytest.fixture
def mini(tmp_path: Path) -> KnowledgeGraph:
    return load_knowledge(write_mini_release(tmp_path / "release"))


def a_row(disease: str, term: TermId) -> Association:
    return Association(
        disease_id=DiseaseId(disease),
        disease_name="Local fever",
        term_id=term,
        excluded=False,
        reference="PMID:9",
        evidence="PCS",
        onset="",
        frequency=Frequency("3/4", 3, 4, 0.75),
        sex=Sex.UNKNOWN,
        aspect="P",
    )


def test_nodes_and_edges_are_typed_and_sourced(mini: KnowledgeGraph) -> None:
    kinds = [data["kind"] for _, data in mini.network.nodes(data=True)]
    assert {k: kinds.count(k) for k in kinds} == {"term": 8, "disease": 3, "gene": 1}
    relations = [data["relation"] for _, _, data in mini.network.edges(data=True)]
    expected = {"is_a": 7, "has_phenotype": 6, "clinical_course": 1, "not_phenotype": 2, "associated_with": 1}
    assert {r: relations.count(r) for r in relations} == expected
    first = mini.network.edges["OMIM:1", FOCAL, 0]["association"]
    assert (first.frequency.text, first.reference, first.biocuration) == ("8/10", "PMID:1", "-")


def test_the_edges_lie_as_networkx_itself_lays_them(mini: KnowledgeGraph) -> None:
    laid = nx.MultiDiGraph()
    laid.add_nodes_from(mini.network.nodes(data=True))
    laid.add_edges_from(mini.network.edges(keys=True, data=True))
    assert nx.utils.graphs_equal(mini.network, laid)
    assert mini.network.number_of_edges("OMIM:1", FOCAL) == 2
    for source, target in laid.edges():
        assert mini.network._succ[source][target] is mini.network._pred[target][source]
    before = mini.network.number_of_edges()
    mini.network.add_edge("OMIM:1", FOCAL, relation="has_phenotype")
    mini.network.remove_node(SEIZURE)
    assert mini.network.number_of_edges() < before


def test_an_obsolete_id_in_a_row_leads_to_its_successor(mini: KnowledgeGraph) -> None:
    assert mini.network.has_edge("OMIM:2", FEVER)
    assert "HP:0000920" not in mini.network


def same_arrays(one: CompiledGraph, other: CompiledGraph) -> bool:
    """Equal in everything but the name of what they were made from."""
    named = CompiledGraph(**{**vars(one), "content_hash": other.content_hash})
    return to_bytes(named) == to_bytes(other)


def test_compiling_the_graph_equals_compiling_the_sources(tmp_path: Path) -> None:
    release = write_mini_release(tmp_path)
    assert same_arrays(compile_knowledge(load_knowledge(release)), compile_release(release))


@pytest.mark.slow
def test_the_real_graph_has_the_release_s_counts_and_compiles_alike(real_graph: CompiledGraph) -> None:
    knowledge = load_knowledge()
    kinds = [data["kind"] for _, data in knowledge.network.nodes(data=True)]
    assert (kinds.count("term"), kinds.count("disease"), kinds.count("gene")) == (19034, 12687, 5132)
    assert (knowledge.network.number_of_nodes(), knowledge.network.number_of_edges()) == (36853, 307396)
    assert same_arrays(compile_knowledge(knowledge), real_graph)


def test_a_disease_laid_by_networkx_itself_is_hashed_and_ranked(mini: KnowledgeGraph) -> None:
    before, row = mini.content_hash(), a_row("LOCAL:1", SEIZURE)
    mini.network.add_node("LOCAL:1", kind="disease", disease=Disease(row.disease_id, row.disease_name))
    mini.network.add_edge("LOCAL:1", SEIZURE, relation=relation_of(row), association=row)
    assert mini.content_hash() != before
    compiled = compile_knowledge(mini)
    assert compiled.content_hash == mini.content_hash()
    assert "LOCAL:1" in {compiled.disease_ids[d] for d in rank(compiled, [Finding(SEIZURE)]).best(2)}


def test_an_edit_by_networkx_itself_counts_and_undoing_it_gives_the_hash_back(mini: KnowledgeGraph) -> None:
    before = mini.content_hash()
    mini.network.add_edge(FEVER, SEIZURE, relation="is_a")
    assert mini.content_hash() != before
    assert compile_knowledge(mini).is_a(FEVER, SEIZURE)
    mini.network.remove_edge(FEVER, SEIZURE)
    assert mini.content_hash() == before


def test_a_cycle_that_an_edit_makes_is_refused(mini: KnowledgeGraph) -> None:
    mini.network.add_edge(SEIZURE, FOCAL, relation="is_a")
    with pytest.raises(SourceRefused, match="cycle"):
        compile_knowledge(mini)


def test_genes_without_a_symbol_are_shown_by_their_id(tmp_path: Path) -> None:
    genes = GENES + "105\t-\tHP:0000010\tSeizure\t-\tOMIM:1\n106\t-\tHP:0000010\tSeizure\t-\tOMIM:1\n"
    compiled = compile_release(write_mini_release(tmp_path, genes=genes))
    assert compiled.genes[0] == ("FIT1", "NCBIGene:105", "NCBIGene:106")
    assert compiled.gene_ids[0] == ("NCBIGene:1", "NCBIGene:105", "NCBIGene:106")


def test_a_term_under_other_parents_keeps_the_rest_of_what_it_says(mini: KnowledgeGraph) -> None:
    mini.network.add_edge(SEIZURE, FEVER, relation="is_a")
    moved = next(term for term in mini.terms() if term.term_id == SEIZURE)
    assert moved.parents == ("HP:0000118", FEVER)
    assert (moved.lay_synonyms, moved.definition) == (("Fits",), 'A "fit".')
