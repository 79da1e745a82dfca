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


def publications_of(rows: Associations, disease: int, texts: Sequence[str]) -> int:
    """How many articles the rows of one disease name."""
    named = set(rows.reference[rows.rows_of(disease)].tolist())
    return sum(texts[reference].startswith("PMID:") for reference in named)


def _publications(rows: Associations, texts: Sequence[str]) -> Ints:
    count = len(rows.indptr) - 1
    owner = np.repeat(np.arange(count, dtype=np.int64), np.diff(rows.indptr))
    articles = is_article(rows.reference, texts)
    pairs = np.unique((owner[articles] << 32) | rows.reference[articles].astype(np.int64))
    return np.bincount(pairs >> 32, minlength=count).astype(np.int32)
