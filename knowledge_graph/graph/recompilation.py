"""Compiles the NetworkX graph as it stands, edits included. Apart, so that ranking needs no NetworkX."""

from knowledge_graph.graph.compilation import compile_graph
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.knowledge_graph import KnowledgeGraph


def compile_knowledge(knowledge: KnowledgeGraph) -> CompiledGraph:
    """Arrays of what the graph says now, named by its content hash. Raises SourceRefused on a cycle."""
    return compile_graph(
        knowledge.ontology(),
        knowledge.associations(),
        genes=knowledge.gene_links(),
        source_hash=knowledge.content_hash(),
    )
