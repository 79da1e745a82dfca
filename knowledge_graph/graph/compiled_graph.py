"""The knowledge as arrays: what ranking runs on. Made from the sources, cached by their hash.

Sparse matrices are CSR: `indptr` has one more entry than rows. Terms and diseases are numbered in
the order of `term_ids` and `disease_ids`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from knowledge_graph.errors import UnknownDisease, UnknownTerm
from knowledge_graph.graph.arrays import Associations, Floats, Ints, Places, Rows, transposed
from knowledge_graph.graph.common_terms import CommonTerms
from knowledge_graph.graph.demographics import Demographics
from knowledge_graph.graph.denied import Denied, denied_rows
from knowledge_graph.graph.kinship import Kinship
from knowledge_graph.graph.namesakes import Namesakes
from knowledge_graph.graph.portraits import Portraits
from knowledge_graph.graph.profile import Profiles
from knowledge_graph.graph.row_maxima import RowMaxima
from knowledge_graph.graph.signature import Signatures
from knowledge_graph.sources.knowledge_pack import PackDisease
from knowledge_graph.terms.gene import GeneId
from knowledge_graph.terms.term import DiseaseId, TermId


@dataclass(frozen=True, slots=True)
class LoadedPack:
    """A knowledge pack that lies over HPO. `left_out` counts rows about terms that this HPO lacks."""

    pack_id: str
    title: str
    licence: str
    diseases: int
    left_out: int = 0


@dataclass(frozen=True)
class CompiledGraph:
    """Terms, diseases, genes and their associations as arrays (counts in the README).

    With packs: `facts` is what they say of their diseases, `base_hash` names what lies below them,
    `hpo_terms` is how many terms are HPO's; local terms are numbered behind.
    """

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
    name_words: tuple[str, ...]  # the names, spelling aside
    genes: tuple[tuple[str, ...], ...]  # of each disease, as they are shown
    gene_ids: tuple[tuple[GeneId, ...], ...]  # the same by id
    onsets: Rows  # onset terms (aspect C) of each disease
    inheritance: Rows  # inheritance terms (aspect I) of each disease
    associations: Associations
    profiles: Profiles
    signatures: Signatures
    kinship: Kinship
    demographics: Demographics
    namesakes: Namesakes
    portraits: Portraits
    texts: tuple[str, ...]
    packs: tuple[LoadedPack, ...] = ()
    facts: Mapping[DiseaseId, PackDisease] = field(default_factory=dict)
    base_hash: str = ""
    hpo_terms: int = 2**31

    @cached_property
    def term_index(self) -> dict[TermId, int]:
        """Term id to number."""
        return {term: i for i, term in enumerate(self.term_ids)}

    @cached_property
    def disease_index(self) -> dict[DiseaseId, int]:
        """Disease id to number."""
        return {disease: i for i, disease in enumerate(self.disease_ids)}

    @cached_property
    def text_index(self) -> dict[str, int]:
        """Text to number."""
        return {text: i for i, text in enumerate(self.texts)}

    @cached_property
    def name_index(self) -> dict[str, list[int]]:
        """Numbers of the diseases of each name, spelling aside."""
        found: dict[str, list[int]] = {}
        for number, words in enumerate(self.name_words):
            found.setdefault(words, []).append(number)
        return found

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        """The namespace of each disease: OMIM, ORPHA, ..., or a pack's own."""
        return tuple(disease.split(":")[0] for disease in self.disease_ids)

    def speaks_of(self, term: int) -> npt.NDArray[np.bool_] | None:
        """Which diseases could be known to show a term: all (None), or those of its pack for a local one."""
        if term < self.hpo_terms:
            return None
        space = self.term_ids[term].split(":")[0]
        return np.fromiter((s == space for s in self.spaces), np.bool_, len(self.spaces))

    @cached_property
    def pack_spaces(self) -> frozenset[str]:
        """The namespaces that are packs' own."""
        return frozenset(pack.pack_id.upper() for pack in self.packs)

    @property
    def title(self) -> str:
        """The version of HPO, and the packs beside it."""
        return " + ".join([self.version, *(pack.title for pack in self.packs)])

    @cached_property
    def sources(self) -> tuple[Ints, ...]:
        """Numbers of the diseases of each source (OMIM, ORPHA, ...)."""
        members: dict[str, list[int]] = {}
        for number, name in enumerate(self.spaces):
            members.setdefault(name, []).append(number)
        return tuple(np.array(members[name], np.int32) for name in sorted(members))

    @cached_property
    def source_of(self) -> Ints:
        """Which of `sources` each disease is from: (n_diseases,)."""
        source = np.zeros(len(self.disease_ids), np.int32)
        for number, members in enumerate(self.sources):
            source[members] = number
        return source

    @cached_property
    def has_gene(self) -> Floats:
        """1 for a disease with a gene, 0 for another: (n_diseases,)."""
        return np.fromiter(map(bool, self.genes), np.float32, len(self.genes))

    @cached_property
    def kin_maxima(self) -> dict[str, RowMaxima]:
        """For the largest of a number among each disease's `twins` and its `same_gene`."""
        return {name: RowMaxima.of(getattr(self.kinship, name)) for name in ("twins", "same_gene")}

    @cached_property
    def series_place(self) -> Places:
        """Where each disease stands among the members of the series, behind them where it is of none."""
        members = self.kinship.series.values
        place = np.full(len(self.disease_ids), len(members), np.intp)
        place[members] = np.arange(len(members))
        return place

    @cached_property
    def namesakes_in_turn(self) -> tuple[Places, Floats]:
        """Namesakes and their shares, the first of every disease before the second: (COUNT, n_diseases)."""
        known = self.namesakes
        return np.ascontiguousarray(known.others.T).astype(np.intp), np.ascontiguousarray(known.shares.T)

    @cached_property
    def shown_by(self) -> Places:
        """`profiles.disease`, to index by."""
        return self.profiles.disease.astype(np.intp)

    @cached_property
    def denied(self) -> Denied:
        """What diseases are said not to show, and nowhere else to show."""
        return denied_rows(self.associations, np.flatnonzero(self.associations.excluded), but=self.profiles)

    @cached_property
    def common_terms(self) -> CommonTerms:
        """The terms that many diseases show."""
        return CommonTerms(self.profiles, len(self.disease_ids))

    @cached_property
    def own_terms(self) -> Places:
        """`signatures.term`, to index by."""
        return self.signatures.term.astype(np.intp)

    @cached_property
    def filled_signatures(self) -> tuple[Places, Places]:
        """Diseases with terms of their own, and where those begin in `signatures`."""
        indptr = self.signatures.indptr
        filled = np.flatnonzero(np.diff(indptr))
        return filled, indptr[filled].astype(np.intp)

    @cached_property
    def below(self) -> Places:
        """`descendants.values`, to index by."""
        return self.descendants.values.astype(np.intp)

    @cached_property
    def description(self) -> Floats:
        """log(1 + articles) and log(1 + terms of its own) of each disease: (2, n_diseases)."""
        own = self.signatures
        counts = (own.publications, np.diff(own.indptr))
        return np.stack([np.log1p(count.astype(np.float32)) for count in counts])

    @cached_property
    def children(self) -> Rows:
        """Direct children of each term."""
        return transposed(self.parents, len(self.term_ids))

    @cached_property
    def descendants(self) -> Rows:
        """Every term below each term, itself included."""
        return transposed(self.ancestors, len(self.term_ids))

    @cached_property
    def information(self) -> Floats:
        """How telling each term is: -log of its background (n_terms,); that of the rarest where unused."""
        background = self.profiles.background
        rarest = background[background > 0].min(initial=1.0)
        content: Floats = -np.log(np.minimum(np.where(background > 0, background, rarest), 1.0))
        return content

    @cached_property
    def drawn(self) -> Floats:
        """The portraits, ready to be multiplied: (n_diseases, width)."""
        return self.portraits.drawn.astype(np.float32)

    @cached_property
    def expected_information(self) -> Floats:
        """Information of each disease's own terms, weighed by their frequency: (n_diseases,)."""
        own = self.signatures
        weighed = (own.frequency * self.information.take(self.own_terms)).astype(np.float64)
        ends = np.concatenate([[0.0], np.cumsum(weighed)])  # a third of the time of `cumsum(dtype=)`
        return np.diff(ends[own.indptr]).astype(np.float32)

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
            raise UnknownDisease(
                f"{disease_id} is not a disease of this knowledge ({self.version}); check the id"
            )
        return number

    def is_a(self, term_id: str, ancestor_id: str) -> bool:
        """Whether a term is another term or lies below it."""
        return self.term_number(ancestor_id) in self.ancestors[self.term_number(term_id)]
