"""Samples synthetic patients from the compiled graph. Everything depends on `rng` alone."""

import math
from collections.abc import Iterator, Sequence
from random import Random

import numpy as np
import numpy.typing as npt

from knowledge_graph.cohort.disease_profile import DiseaseProfile, DiseaseProfiles, fits
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.recording_habits import RecordingHabits
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId, TermId

_YEAR = 365.25
_OLDEST_DAYS = 90 * _YEAR
_LEAST_DEPTH = 4  # a recorded term has at least this many ancestors, itself included


def sample_patients(
    compiled: CompiledGraph,
    *,
    count: int,
    rng: np.random.Generator,
    diseases: Sequence[DiseaseId] | None = None,
    habits: RecordingHabits | None = None,
    weights: npt.ArrayLike | None = None,
) -> Iterator[SampledPatient]:
    """`count` patients, their diseases drawn alike often or by `weights`, each with a finding or more.

    Raises UnknownDisease for an id the graph lacks, ValueError where no disease has a finding.
    """
    profiles = DiseaseProfiles(compiled)
    wanted = range(len(compiled.disease_ids)) if diseases is None else map(compiled.disease_number, diseases)
    numbers = list(wanted)
    chances = np.ones(len(numbers)) if weights is None else np.array(weights, float)
    chances = chances * np.array([profiles.has_findings(n) for n in numbers], float)
    if chances.sum() <= 0:
        raise ValueError("none of the diseases has an observed finding")
    sampler = _Sampler(compiled, profiles, habits or RecordingHabits())
    drawn = rng.choice(numbers, size=count, p=chances / chances.sum())
    seeds = rng.integers(2**63, size=count)
    for disease, seed in zip(drawn.tolist(), seeds.tolist(), strict=True):
        yield sampler.patient(disease, Random(seed))


class _Sampler:
    def __init__(self, graph: CompiledGraph, profiles: DiseaseProfiles, habits: RecordingHabits) -> None:
        self._graph = graph
        self._profiles = profiles
        self._habits = habits

    def patient(self, disease: int, dice: Random) -> SampledPatient:
        profile = self._profiles[disease]
        sex = _sex(profile, dice)
        present, absent = _presence(profile, sex, dice)
        observed = self._recorded(present, sex, dice)
        if not observed:
            observed = {profile.likeliest_term: None}
        excluded = self._ruled_out([*absent, *profile.excluded_terms], observed, sex, dice)
        findings = [self._finding(t, FindingState.OBSERVED) for t in observed]
        findings += [self._finding(t, FindingState.EXCLUDED) for t in excluded]
        return SampledPatient(
            disease_id=self._graph.disease_ids[disease],
            findings=tuple(findings),
            sex=sex,
            age_days=_age_days(profile, dice),
            family_terms=self._mentioned(self._habits.family, [*present, *observed], sex, dice),
            considered_terms=self._mentioned(
                self._habits.considered, [t for t in absent if t not in observed], sex, dice
            ),
        )

    def _recorded(self, present: list[int], sex: Sex, dice: Random) -> dict[int, None]:
        """Recorded observed terms in order of recording (a dict as an ordered set)."""
        habits = self._habits
        share = dice.uniform(habits.recorded_low, habits.recorded_high)
        kept = [t for t in present if dice.random() < share]
        dice.shuffle(kept)
        recorded = {self._blurred(t, dice): None for t in kept[: habits.most_findings]}
        for _ in range(_poisson(habits.unrelated_mean, dice)):
            recorded.setdefault(self._profiles.any_term(dice, sex))
        return recorded

    def _blurred(self, term: int, dice: Random) -> int:
        while dice.random() < self._habits.blurred:
            parents = self._graph.parents[term].tolist()
            vague = [p for p in parents if len(self._graph.ancestors[p]) >= _LEAST_DEPTH]
            if not vague:
                return term
            term = dice.choice(vague)
        return term

    def _ruled_out(self, absent: list[int], observed: dict[int, None], sex: Sex, dice: Random) -> list[int]:
        """Excluded terms; none lies above an observed one, since that would contradict it."""
        implied = {a for t in observed for a in self._graph.ancestors[t].tolist()}
        terms = [t for t in absent if dice.random() < self._habits.ruled_out]
        unrelated = _poisson(self._habits.ruled_out_unrelated_mean, dice)
        terms += [self._profiles.any_term(dice, sex) for _ in range(unrelated)]
        dice.shuffle(terms)
        return [t for t in dict.fromkeys(terms) if t not in implied][: self._habits.most_excluded]

    def _mentioned(self, chance: float, terms: list[int], sex: Sex, dice: Random) -> tuple[TermId, ...]:
        if dice.random() >= chance:
            return ()
        pool = terms if terms and dice.random() < 0.7 else [self._profiles.any_term(dice, sex)]
        return tuple(self._graph.term_ids[t] for t in {dice.choice(pool): None for _ in range(2)})

    def _finding(self, term: int, state: FindingState) -> Finding:
        return Finding(self._graph.term_ids[term], state)


def _presence(profile: DiseaseProfile, sex: Sex, dice: Random) -> tuple[list[int], list[int]]:
    """Which of the disease's terms this patient has, and which not."""
    present: list[int] = []
    absent: list[int] = []
    for term, frequency, only in zip(profile.terms, profile.frequencies, profile.sexes, strict=True):
        if fits(only, sex):
            (present if dice.random() < frequency else absent).append(term)
    return present, absent


def _sex(profile: DiseaseProfile, dice: Random) -> Sex:
    if profile.only_sex:
        return Sex.FEMALE if profile.only_sex == 1 else Sex.MALE
    return Sex.FEMALE if dice.random() < 0.5 else Sex.MALE


def _age_days(profile: DiseaseProfile, dice: Random) -> int:
    """Of the usual ages where they are stated; else an exponential wait, mean nine years, after the onset."""
    youngest, oldest = profile.usual_ages_days
    if youngest > 0 or oldest < _OLDEST_DAYS:
        return round(dice.uniform(youngest, min(oldest, _OLDEST_DAYS)))
    return round(min(profile.earliest_onset_days + dice.expovariate(1 / (9 * _YEAR)), _OLDEST_DAYS))


def _poisson(mean: float, dice: Random) -> int:
    """By inversion; the means here are small."""
    if mean <= 0:
        return 0
    drawn, share, count = dice.random(), math.exp(-mean), 0
    while drawn > share and count < 12:
        drawn -= share
        count += 1
        share *= mean / count
    return count
