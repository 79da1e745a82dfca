"""Samples synthetic patients from the graph: public knowledge, no person behind them.

A patient of a disease shows each of its terms with the recorded frequency; what is seen is written
down imprecisely (an ancestor) or not at all, some incidental findings are added, and a few of
the disease's absent terms are recorded as excluded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.arrays import Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.profile import direct_frequencies
from knowledge_graph.terms.term import DiseaseId

PHENOTYPIC_ABNORMALITY = "HP:0000118"


@dataclass(frozen=True, slots=True)
class SampledPatient:
    """A synthetic person with a known disease."""

    disease_id: DiseaseId
    findings: tuple[Finding, ...]
    sex: Sex
    age_days: int


@dataclass(frozen=True, slots=True)
class SamplingNoise:
    """How records differ from diseases; probabilities, and the largest number of findings."""

    imprecise: float = 0.2
    omitted: float = 0.25
    incidental: float = 0.08
    excluded: float = 0.15
    most_findings: int = 14


class PatientSampler:
    """Draws patients; the random generator is an argument, so a seed gives the same cohort."""

    def __init__(self, graph: CompiledGraph, *, noise: SamplingNoise | None = None):
        self._graph = graph
        self._noise = noise or SamplingNoise()
        owner, self._terms, self._frequency = direct_frequencies(
            graph.associations, ~graph.associations.excluded
        )
        self._indptr = np.searchsorted(owner, np.arange(len(graph.disease_ids) + 1))
        self._abnormal = graph.term_index.get(graph.resolve(PHENOTYPIC_ABNORMALITY), 0)
        self._common = np.unique(self._terms)

    def diseases_with(self, least: int) -> list[DiseaseId]:
        """Diseases that have at least so many recorded terms."""
        enough = np.flatnonzero(np.diff(self._indptr) >= least)
        return [self._graph.disease_ids[d] for d in enough.tolist()]

    def draw(self, disease_id: str, rng: np.random.Generator) -> SampledPatient:
        """One patient of a disease. Raises UnknownDisease."""
        disease = self._graph.disease_number(disease_id)
        span = slice(int(self._indptr[disease]), int(self._indptr[disease + 1]))
        terms, frequency = self._terms[span], self._frequency[span]
        shown = rng.random(len(terms)) < frequency
        observed = self._recorded(terms, shown, rng)
        excluded = self._ruled_out(terms[~shown], observed, rng)
        findings = [Finding(self._graph.term_ids[t]) for t in observed]
        findings += [Finding(self._graph.term_ids[t], FindingState.EXCLUDED) for t in excluded]
        return SampledPatient(DiseaseId(disease_id), tuple(findings), *self._demographics(disease, rng))

    def _recorded(self, terms: Ints, shown: "np.ndarray", rng: np.random.Generator) -> list[int]:
        seen = terms[shown & (rng.random(len(terms)) >= self._noise.omitted)].tolist()
        if not seen and len(terms):
            seen = [int(rng.choice(terms))]
        rng.shuffle(seen)
        written = [self._blurred(t, rng) for t in seen[: self._noise.most_findings]]
        if rng.random() < self._noise.incidental * max(len(written), 1):
            written.append(int(rng.choice(self._common)))
        return list(dict.fromkeys(written))

    def _blurred(self, term: int, rng: np.random.Generator) -> int:
        """The term, or sometimes a parent that still is a phenotypic abnormality of its own."""
        if rng.random() >= self._noise.imprecise:
            return term
        parents = [p for p in self._graph.parents[term].tolist() if len(self._graph.ancestors[p]) > 3]
        return int(rng.choice(parents)) if parents else term

    def _ruled_out(self, absent: Ints, observed: Sequence[int], rng: np.random.Generator) -> list[int]:
        implied = {a for t in observed for a in self._graph.ancestors[t].tolist()}
        asked = absent[rng.random(len(absent)) < self._noise.excluded].tolist()
        return [t for t in asked if t not in implied][:4]

    def _demographics(self, disease: int, rng: np.random.Generator) -> tuple[Sex, int]:
        only = int(self._graph.demographics.only_sex[disease])
        sex = {1: Sex.FEMALE, 2: Sex.MALE}.get(only) or (Sex.FEMALE if rng.random() < 0.5 else Sex.MALE)
        onset = float(self._graph.demographics.earliest_onset_days[disease])
        return sex, int(onset + rng.gamma(1.6, 3500.0)) % 33_000


def sample_patients(
    graph: CompiledGraph,
    *,
    count: int,
    rng: np.random.Generator,
    diseases: Sequence[str] | None = None,
    noise: SamplingNoise | None = None,
) -> Iterator[SampledPatient]:
    """`count` patients, disease by disease in turn (all diseases with three terms where none are named)."""
    sampler = PatientSampler(graph, noise=noise)
    pool = list(diseases) if diseases is not None else sampler.diseases_with(3)
    for i in range(count):
        yield sampler.draw(pool[i % len(pool)], rng)
