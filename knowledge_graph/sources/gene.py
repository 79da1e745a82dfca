"""Reads genes_to_phenotype.txt: which gene is tied to which disease."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from knowledge_graph.errors import SourceRefused
from knowledge_graph.terms.gene import Gene, GeneId
from knowledge_graph.terms.term import DiseaseId

COLUMNS = ["ncbi_gene_id", "gene_symbol", "hpo_id", "hpo_name", "frequency", "disease_id"]


class GeneLink(NamedTuple):
    """A gene that the source ties to a disease."""

    gene: Gene
    disease_id: DiseaseId


def read_gene_links(path: Path) -> tuple[GeneLink, ...]:
    """Distinct links, in the file's order. Raises SourceRefused."""
    try:
        with path.open(encoding="utf-8") as stream:
            return parse_gene_links(stream, name=path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceRefused(f"{path.name} cannot be read as UTF-8 text; fetch it again") from error


def parse_gene_links(lines: Iterable[str], *, name: str) -> tuple[GeneLink, ...]:
    """Links from the file's lines: one line a gene and term, of which the terms are left out."""
    links: dict[tuple[str, str, str], None] = {}
    rows = enumerate(lines, start=1)
    _, header = next(rows, (0, ""))
    if header.rstrip("\r\n").split("\t") != COLUMNS:
        raise SourceRefused(f"{name}:1: not the header of genes_to_phenotype.txt; fetch the file again")
    for number, line in rows:
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) != len(COLUMNS):
            raise SourceRefused(f"{name}:{number}: {len(cells)} columns where {len(COLUMNS)} are due")
        links[cells[0], cells[1], cells[5]] = None
    return tuple(
        GeneLink(Gene(GeneId(f"NCBIGene:{number}"), symbol), DiseaseId(disease))
        for number, symbol, disease in links
    )
