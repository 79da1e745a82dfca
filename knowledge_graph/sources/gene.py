"""Reads genes_to_phenotype.txt: which gene is tied to which disease."""

from collections.abc import Iterable
from pathlib import Path

from knowledge_graph.errors import SourceRefused
from knowledge_graph.terms.term import DiseaseId

COLUMNS = ["ncbi_gene_id", "gene_symbol", "hpo_id", "hpo_name", "frequency", "disease_id"]


def read_gene_links(path: Path) -> tuple[tuple[str, DiseaseId], ...]:
    """Distinct (gene symbol, disease id) pairs, sorted. Raises SourceRefused."""
    try:
        with path.open(encoding="utf-8") as stream:
            return parse_gene_links(stream, name=path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise SourceRefused(f"{path.name} cannot be read as UTF-8 text; fetch it again") from error


def parse_gene_links(lines: Iterable[str], *, name: str) -> tuple[tuple[str, DiseaseId], ...]:
    """Pairs from the file's lines."""
    links: set[tuple[str, DiseaseId]] = set()
    rows = enumerate(lines, start=1)
    _, header = next(rows, (0, ""))
    if header.rstrip("\r\n").split("\t") != COLUMNS:
        raise SourceRefused(f"{name}:1: not the header of genes_to_phenotype.txt; fetch the file again")
    for number, line in rows:
        cells = line.rstrip("\r\n").split("\t")
        if len(cells) != len(COLUMNS):
            raise SourceRefused(f"{name}:{number}: {len(cells)} columns where {len(COLUMNS)} are due")
        links.add((cells[1], DiseaseId(cells[5])))
    return tuple(sorted(links))
