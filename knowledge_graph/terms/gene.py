"""A gene, named by its NCBI id; two genes without an official symbol are still two genes."""

from dataclasses import dataclass
from typing import NewType

GeneId = NewType("GeneId", str)


@dataclass(frozen=True, slots=True)
class Gene:
    """`NCBIGene:22` with its symbol `ABCB7`; `label` is the id where the symbol is unknown ("-")."""

    gene_id: GeneId
    symbol: str

    @property
    def label(self) -> str:
        """What to show."""
        return str(self.gene_id) if self.symbol in ("", "-") else self.symbol
