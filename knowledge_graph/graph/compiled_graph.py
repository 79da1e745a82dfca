"""The knowledge as arrays: what ranking runs on. Made from the sources, cached by their hash.

Sparse matrices are CSR: `indptr` has one more entry than rows. Terms and diseases are numbered in
the order of `term_ids` and `disease_ids`.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from knowledge_graph.errors import UnknownDisease, UnknownTerm
from knowledge_graph.terms.term import DiseaseId, TermId

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rows:
    """A ragged array of numbers: row i is `values[indptr[i]:indptr[i + 1]]`."""

    indptr: Ints
    values: Ints

    def __getitem__(self, row: int) -> Ints:
        return self.values[self.indptr[row] : self.indptr[row + 1]]

    def __len__(self) -> int:
        return len(self.indptr) - 1


@dataclass(frozen=True, slots=True)
class Associations:
    """The rows of phenotype.hpoa about phenotypic abnormalities, grouped by disease.

    `indptr` (n_diseases + 1); the others are one entry a row. `numerator` is -1 and `fraction`
    NaN where the source does not say; `onset` is a term number or -1; `sex` 0 any, 1 female,
    2 male; `reference` and `evidence` number the `texts` of the graph.
    """

    indptr: Ints
    term: Ints
    excluded: npt.NDArray[np.bool_]
    numerator: Ints
    denominator: Ints
    fraction: Floats
    onset: Ints
    sex: npt.NDArray[np.int8]
    reference: Ints
    evidence: Ints
    frequency: Ints

    def rows_of(self, disease: int) -> slice:
        """Where a disease's rows lie."""
        return slice(int(self.indptr[disease]), int(self.indptr[disease + 1]))


@dataclass(frozen=True)
class CompiledGraph:
    """Terms, diseases, genes and their associations as arrays (counts in the README)."""

    version: str
    content_hash: str
    term_ids: tuple[TermId, ...]
    term_names: tuple[str, ...]
    term_synonyms: tuple[tuple[str, ...], ...]
    alternatives: dict[str, TermId]
    ancestors: Rows  # of each term, itself included, root first
    parents: Rows
    disease_ids: tuple[DiseaseId, ...]
    disease_names: tuple[str, ...]
    genes: tuple[tuple[str, ...], ...]  # of each disease
    onsets: Rows  # onset terms (aspect C) of each disease
    inheritance: Rows  # inheritance terms (aspect I) of each disease
    associations: Associations
    texts: tuple[str, ...]

    @cached_property
    def term_index(self) -> dict[TermId, int]:
        """Term id to number."""
        return {term: i for i, term in enumerate(self.term_ids)}

    @cached_property
    def disease_index(self) -> dict[DiseaseId, int]:
        """Disease id to number."""
        return {disease: i for i, disease in enumerate(self.disease_ids)}

    @cached_property
    def children(self) -> Rows:
        """Direct children of each term."""
        return transposed(self.parents, len(self.term_ids))

    @cached_property
    def descendants(self) -> Rows:
        """Every term below each term, itself included."""
        return transposed(self.ancestors, len(self.term_ids))

    def resolve(self, term_id: str) -> TermId:
        """The current id for any id that HPO has known. Raises UnknownTerm."""
        current = TermId(self.alternatives.get(term_id, TermId(term_id)))
        if current not in self.term_index:
            raise UnknownTerm(f"{term_id} is not a current term of HPO {self.version}; check the id")
        return current

    def term_number(self, term_id: str) -> int:
        """The number of a term, alternative ids resolved. Raises UnknownTerm."""
        return self.term_index[self.resolve(term_id)]

    def disease_number(self, disease_id: str) -> int:
        """The number of a disease. Raises UnknownDisease."""
        number = self.disease_index.get(DiseaseId(disease_id))
        if number is None:
            raise UnknownDisease(f"{disease_id} is not a disease of this knowledge ({self.version})")
        return number

    def is_a(self, term_id: str, ancestor_id: str) -> bool:
        """Whether a term is another term or lies below it."""
        return self.term_number(ancestor_id) in self.ancestors[self.term_number(term_id)]


def rows_from(lists: list[list[int]]) -> Rows:
    """A ragged array from lists."""
    lengths = np.fromiter((len(row) for row in lists), np.int32, len(lists))
    indptr = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    values = np.fromiter((value for row in lists for value in row), np.int32, int(indptr[-1]))
    return Rows(indptr, values)


def transposed(rows: Rows, width: int) -> Rows:
    """Row j of the result lists the rows i of the input that hold j, ascending."""
    owner = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.indptr))
    order = np.argsort(rows.values, kind="stable")
    counts = np.bincount(rows.values, minlength=width)
    indptr = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    return Rows(indptr, owner[order])
