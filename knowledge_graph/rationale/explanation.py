"""Why a disease stands where it does: what each finding says of it, and what was not yet asked.

The parts add up: the sum of `log_likelihood_ratio` over the evidence plus the shares of the context
(sex, age) and of the fit (the picture as a whole) is the disease's total score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Places
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import settled_terms
from knowledge_graph.ranking.borrowing import lenders
from knowledge_graph.ranking.rank import GraphScores
from knowledge_graph.rationale.denied_match import DeniedMatcher
from knowledge_graph.rationale.evidence import SERIES, Evidence, PathTerm
from knowledge_graph.rationale.ontology_path import OntologyPaths
from knowledge_graph.rationale.own_match import NO_MATCH, Matcher, OwnMatch
from knowledge_graph.terms.term import TermId

_MANY = -1  # no single disease speaks


@dataclass(frozen=True, slots=True)
class ExpectedFinding:
    """A finding that the disease often shows and that nobody has asked about yet."""

    term_id: TermId
    name: str
    probability: float


class Reasons:
    """One patient's findings, ready to explain any disease: what all diseases share is worked out once."""

    def __init__(self, graph: CompiledGraph, scores: GraphScores):
        self._graph, self._scores = graph, scores
        self._terms = np.array([graph.term_index[f.term_id] for f in scores.findings], np.intp)

    def explain(self, disease_id: str) -> tuple[Evidence, ...]:
        """Evidence for one disease, strongest first. Raises UnknownDisease."""
        return self.explain_each([disease_id])[0]

    def explain_each(self, disease_ids: Sequence[str]) -> list[tuple[Evidence, ...]]:
        """The same for several, sooner than one by one. Raises UnknownDisease."""
        graph, scores = self._graph, self._scores
        diseases = np.array([graph.disease_number(disease_id) for disease_id in disease_ids], np.intp)
        if not scores.findings or not len(diseases):
            return [() for _ in disease_ids]
        speakers = _speakers(graph, scores, diseases)
        own = self._matcher.matches(np.where(speakers == _MANY, diseases[:, None], speakers))
        columns = (diseases.tolist(), scores.per_finding[:, diseases].T.tolist(), speakers.tolist(), own)
        return [
            self._evidence(disease, ratios, *self._held(disease, said, matches))
            for disease, ratios, said, matches in zip(*columns, strict=True)
        ]

    def _held(
        self, disease: int, speakers: list[int], own: list[OwnMatch]
    ) -> tuple[list[int], list[OwnMatch]]:
        """Who speaks of each finding, and what it met there; the disease itself where it denies it."""
        matches = [NO_MATCH if who == _MANY else match for who, match in zip(speakers, own, strict=True)]
        for place, denied in self._denied.matches(disease).items():
            speakers[place], matches[place] = disease, denied
        return speakers, matches

    def _evidence(
        self, disease: int, ratios: list[float], speakers: list[int], matches: list[OwnMatch]
    ) -> tuple[Evidence, ...]:
        columns = (self._scores.findings, self._terms.tolist(), ratios, speakers, matches)
        evidence = [
            Evidence(
                term_id=finding.term_id,
                name=self._graph.term_names[term],
                state=finding.state,
                log_likelihood_ratio=ratio,
                references=match.references,
                frequency=match.frequency,
                matched_term_id=match.term_id,
                matched_name=match.name,
                borrowed_from=self._borrowed_from(speaker, disease),
                path=self._path(term, match),
            )
            for finding, term, ratio, speaker, match in zip(*columns, strict=True)
        ]
        return tuple(sorted(evidence, key=lambda e: -e.log_likelihood_ratio))

    def not_yet_asked(self, disease_id: str, *, count: int = 5) -> tuple[ExpectedFinding, ...]:
        """Findings the disease shows most often that are neither known, implied nor excluded."""
        graph = self._graph
        terms, frequency = graph.signatures.of_disease(graph.disease_number(disease_id))
        order = np.argsort(-frequency, kind="stable")
        open_terms = order[~self._settled[terms[order]]]
        return tuple(
            ExpectedFinding(graph.term_ids[terms[i]], graph.term_names[terms[i]], float(frequency[i]))
            for i in open_terms[:count].tolist()
        )

    @cached_property
    def _settled(self) -> npt.NDArray[np.bool_]:
        return settled_terms(self._graph, self._scores.findings)

    @cached_property
    def _matcher(self) -> Matcher:
        return Matcher(self._graph, self._terms)

    @cached_property
    def _denied(self) -> DeniedMatcher:
        return DeniedMatcher(self._graph, self._scores)

    @cached_property
    def _paths(self) -> OntologyPaths:
        return OntologyPaths(self._graph)

    def _path(self, finding: int, match: OwnMatch) -> tuple[PathTerm, ...]:
        """From a finding to another term that it met."""
        if match.term_id is None or match.term_id == self._graph.term_ids[finding]:
            return ()
        return self._paths.path(finding, self._graph.term_index[match.term_id])

    def _borrowed_from(self, speaker: int, disease: int) -> str:
        if speaker == disease:
            return ""
        return SERIES if speaker == _MANY else self._graph.disease_ids[speaker]


def _speakers(graph: CompiledGraph, scores: GraphScores, diseases: Places) -> Places:
    """Whose rows are the source of each finding's ratio: the disease's own, a lender's, or _MANY's.

    (n, n_findings) for n diseases.
    """
    counted, own = (table[:, diseases].T.astype(np.float64) for table in (scores.per_finding, scores.own))
    kin, lent = lenders(graph, scores.own, diseases)
    borrowed = np.where((kin >= 0) & _is_close(counted, lent, least=1e-4), kin, _MANY)
    return np.where(_is_close(counted, own, least=1e-6), diseases[:, None], borrowed)


def _is_close(
    one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], *, least: float
) -> npt.NDArray[np.bool_]:
    """Whether numbers are the same but for rounding, as `math.isclose` has it."""
    larger = np.maximum(np.abs(one), np.abs(other))
    return np.abs(one - other) <= np.maximum(1e-5 * larger, least)
