"""Each disease's own terms with their frequency, grouped by disease, and how well it is documented."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Associations, Floats, Ints
from knowledge_graph.graph.profile import direct_frequencies


@dataclass(frozen=True, slots=True)
class Signatures:
    """`term` and `frequency` (one entry a disease and term, `indptr` as in CSR, diseases ascending).

    `publications` (n_diseases,) counts the articles (PMID) that the disease's rows name.
    """

    indptr: Ints
    term: Ints
    frequency: Floats
    publications: Ints

    def of_disease(self, disease: int) -> tuple[Ints, Floats]:
        """A disease's own terms and how often each is seen."""
        span = slice(int(self.indptr[disease]), int(self.indptr[disease + 1]))
        return self.term[span], self.frequency[span]


def build_signatures(associations: Associations, texts: Sequence[str]) -> Signatures:
    """Signatures from the rows that say a finding is seen; publications from every row."""
    count = len(associations.indptr) - 1
    disease, term, frequency = direct_frequencies(associations, ~associations.excluded)
    lengths = np.bincount(disease, minlength=count)
    indptr = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    return Signatures(indptr, term, frequency, _publications(associations, texts))


def references_named(text: str) -> tuple[str, ...]:
    """The references that a row's cell names: "PMID:1;PMID:2" names two."""
    return tuple(filter(None, (reference.strip() for reference in text.split(";"))))


def is_article(references: Ints, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which references (numbers of texts) are articles of PubMed."""
    named = np.fromiter((text.startswith("PMID:") for text in texts), np.bool_, len(texts))
    return named[references] if len(texts) else np.zeros(len(references), np.bool_)


def articles_of(references: Ints, texts: Sequence[str]) -> set[str]:
    """The articles of PubMed that references (numbers of texts) name, alone or beside others."""
    named = (name for number in set(references.tolist()) for name in references_named(texts[number]))
    return {name for name in named if name.startswith("PMID:")}


def _publications(rows: Associations, texts: Sequence[str]) -> Ints:
    owned = (articles_of(rows.reference[rows.rows_of(d)], texts) for d in range(len(rows.indptr) - 1))
    return np.fromiter((len(articles) for articles in owned), np.int32, len(rows.indptr) - 1)
