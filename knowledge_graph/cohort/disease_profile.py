"""What each disease shows and how often, ready to sample from."""

from bisect import bisect
from dataclasses import dataclass
from random import Random

import numpy as np

from knowledge_graph.findings.finding import Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.profile import direct_frequencies
from knowledge_graph.terms.term import TermId

_TERMS_OF_ONE_SEX = ((TermId("HP:0010460"), 1), (TermId("HP:0010461"), 2))  # female, male genitalia


@dataclass(frozen=True, slots=True)
class DiseaseProfile:
    """Terms by number with their frequency; `sexes` and `only_sex` 0 any, 1 female, 2 male."""

    terms: list[int]
    frequencies: list[float]
    sexes: list[int]
    excluded_terms: list[int]
    only_sex: int
    earliest_onset_days: float
    usual_ages_days: tuple[float, float]  # 0 and infinite where nothing is stated

    @property
    def likeliest_term(self) -> int:
        """The most frequent term."""
        return self.terms[int(np.argmax(self.frequencies))]


def fits(only: int, sex: Sex) -> bool:
    """Whether what is tied to a sex (0 any, 1 female, 2 male) fits a person."""
    return only == 0 or (only == 1) == (sex is Sex.FEMALE)


class DiseaseProfiles:
    """Profiles by disease number, made when asked for."""

    def __init__(self, graph: CompiledGraph) -> None:
        self._graph = graph
        disease, term, frequency = direct_frequencies(graph.associations, ~graph.associations.excluded)
        self._starts = np.searchsorted(disease, np.arange(len(graph.disease_ids) + 1)).tolist()
        self._terms: list[int] = term.tolist()
        self._frequencies: list[float] = frequency.tolist()
        known, usage = np.unique(term, return_counts=True)
        self._known_terms: list[int] = known.tolist()
        self._term_sex = _sex_of_terms(graph)
        self._usage: list[int] = np.cumsum(usage).tolist()

    def has_findings(self, disease: int) -> bool:
        """Whether any observed finding is recorded for a disease."""
        return bool(self._starts[disease + 1] > self._starts[disease])

    def any_term(self, dice: Random, sex: Sex) -> int:
        """A term that fits a sex, drawn by how many diseases are annotated with it."""
        while True:
            term = self._known_terms[bisect(self._usage, dice.randrange(self._usage[-1]))]
            if fits(self._term_sex.get(term, 0), sex):
                return term

    def __getitem__(self, disease: int) -> DiseaseProfile:
        span = slice(self._starts[disease], self._starts[disease + 1])
        terms = self._terms[span]
        rows = self._graph.associations.rows_of(disease)
        named = self._graph.associations.term[rows].tolist()
        excluded = self._graph.associations.excluded[rows].tolist()
        sexes = self._sexes(named, excluded, self._graph.associations.sex[rows].tolist())
        shown, ages = set(terms), self._graph.demographics
        return DiseaseProfile(
            terms=terms,
            frequencies=self._frequencies[span],
            sexes=[sexes.get(t) or self._term_sex.get(t, 0) for t in terms],
            excluded_terms=[t for t, no in zip(named, excluded, strict=True) if no and t not in shown],
            only_sex=int(ages.only_sex[disease]),
            earliest_onset_days=float(ages.earliest_onset_days[disease]),
            usual_ages_days=(float(ages.youngest_days[disease]), float(ages.oldest_days[disease])),
        )

    @staticmethod
    def _sexes(named: list[int], excluded: list[bool], sexes: list[int]) -> dict[int, int]:
        """The sex of terms whose every row is tied to that one sex."""
        found: dict[int, int] = {}
        for term, no, sex in zip(named, excluded, sexes, strict=True):
            if not no:
                found[term] = sex if found.get(term, sex) == sex else 0
        return found


def _sex_of_terms(graph: CompiledGraph) -> dict[int, int]:
    """Terms about the genitalia of one sex; a term about both is left out."""
    found: dict[int, int] = {}
    for root, sex in _TERMS_OF_ONE_SEX:
        if root in graph.term_index:
            for term in graph.descendants[graph.term_index[root]].tolist():
                found[term] = 0 if term in found else sex
    return found
