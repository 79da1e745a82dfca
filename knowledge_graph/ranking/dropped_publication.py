"""Scores as if one publication had never been annotated: how a ranking fares on unseen patients.

Rows of phenotype.hpoa whose reference is the publication are taken out, for every disease that
has such rows; only those diseases are scored anew, kin and all. The background keeps its value.
Some rows name several articles ("PMID:1;PMID:2"), and their count is of the patients of all; nobody can tell
what they would say without one of them, so `SharedRows` says what becomes of these.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.denied import Denied, denied_rows
from knowledge_graph.graph.profile import direct_frequencies, inherited
from knowledge_graph.graph.signature import articles_of, references_named
from knowledge_graph.ranking.context import context_ratios
from knowledge_graph.ranking.denial import denials_without
from knowledge_graph.ranking.exclusion import Exclusion
from knowledge_graph.ranking.likelihood_ratio import profile_ratios
from knowledge_graph.ranking.lost_rows import uncounted
from knowledge_graph.ranking.profile_fit import FitWeights, features_of_profile
from knowledge_graph.ranking.rank import (
    GraphScores,
    Parts,
    distinct_findings,
    joined,
    observed_terms,
    parts_of,
)
from knowledge_graph.ranking.reranking import LearnedLooks

Mask = npt.NDArray[np.bool_]


class SharedRows(StrEnum):
    """Rows that a publication shares with one that is not left out: as they are, as said without a frequency
    (the finding is known, how often is not), or left out too.
    """

    KEPT = "kept"
    UNCOUNTED = "uncounted"
    DROPPED = "dropped"


class DroppedPublication:
    """Ranks as if publications were unknown; the other diseases as `rivals` knows them, where it is given."""

    def __init__(
        self,
        graph: CompiledGraph,
        *,
        rivals: CompiledGraph | None = None,
        shared: SharedRows = SharedRows.KEPT,
    ):
        self.graph, self._shared = graph, shared
        self._rivals = graph if rivals is None else rivals

    @cached_property
    def _articles(self) -> list[frozenset[str]]:
        """Of each text, the references that it names; for KEPT the whole text is one."""
        if self._shared is SharedRows.KEPT:
            return [frozenset((text,)) for text in self.graph.texts]
        return [frozenset(references_named(text)) for text in self.graph.texts]

    @cached_property
    def _diseases(self) -> dict[str, set[int]]:
        """Reference to the diseases that have rows from it."""
        rows = self.graph.associations
        owner = np.repeat(np.arange(len(rows.indptr) - 1), np.diff(rows.indptr))
        found: dict[str, set[int]] = {}
        for text, disease in set(zip(rows.reference.tolist(), owner.tolist(), strict=True)):
            for reference in self._articles[text]:
                found.setdefault(reference, set()).add(disease)
        return found

    def diseases(self, references: set[str]) -> set[int]:
        """Numbers of the diseases that have rows from these publications."""
        return {d for reference in references for d in self._diseases.get(reference, ())}

    def rank(
        self,
        findings: Sequence[Finding],
        references: set[str],
        *,
        sex: Sex = Sex.UNKNOWN,
        age_days: int | None = None,
        looks: LearnedLooks | None = None,
    ) -> GraphScores:
        """Score every disease without the rows of these publications. Raises UnknownTerm."""
        distinct = distinct_findings(self.graph, findings)
        parts = self.parts(distinct, references)
        context = context_ratios(self.graph, sex=sex, age_days=age_days)
        return joined(self.graph, distinct, parts, context=context, looks=looks)

    def named_share(self, disease: int, references: set[str]) -> float:
        """How much of a disease's rows names the publications, alone or beside others: 0 to 1."""
        named = self._naming(disease, references)
        return float(named.mean()) if len(named) else 0.0

    def parts(
        self,
        findings: tuple[Finding, ...],
        references: set[str],
        *,
        whole: Sequence[int] = (),
        exclusion: Exclusion | None = None,
    ) -> Parts:
        """What the annotations say without the publications.

        Of the diseases in `whole`, nothing else is unknown, whatever `rivals` lacks. `exclusion` says what an
        excluded finding says: as shipped where it is None.
        """
        observed, said = observed_terms(self.graph, findings), exclusion or FitWeights.load().exclusion
        own, features, denied = parts_of(self._rivals, findings, exclusion)
        shown: dict[int, set[int]] = {}
        for disease in {*whole, *self.diseases(references)}:
            signature, profile = self.profile(disease, references)
            shown[disease] = set(profile[0].tolist())
            own[:, disease] = profile_ratios(self.graph, *profile, findings, exclusion=said)
            features[:, disease] = features_of_profile(
                self.graph,
                observed,
                disease,
                signature,
                shown=shown[disease],
                publications=self._publications(disease, references),
            )
        denied = denials_without(
            denied,
            self.graph,
            findings,
            denied=self.denied(list(shown), references),
            shown=shown,
        )
        return Parts(own, features, denied)

    def profile(self, disease: int, references: set[str]) -> tuple[tuple[Ints, Floats], tuple[Ints, Floats]]:
        """Own terms with frequency, and all terms with P(term | disease), from the other references' rows."""
        rows = self.graph.associations
        span = rows.rows_of(disease)
        keep = np.zeros(len(rows.term), bool)
        keep[span] = ~rows.excluded[span] & ~self._dropped(disease, references)
        if self._shared is SharedRows.UNCOUNTED:
            rows = uncounted(rows, span.start + np.flatnonzero(self._naming(disease, references)))
        owner, terms, frequency = direct_frequencies(rows, keep)
        shown, _, probability = inherited(self.graph.ancestors, owner, terms, frequency)
        return (terms, frequency), (shown, probability)

    def denied(self, diseases: Sequence[int], references: set[str]) -> Denied:
        """What some diseases are said not to show in the other references' rows, also where they show it."""
        rows = self.graph.associations
        kept = [np.zeros(0, np.intp)]
        for disease in diseases:
            span = rows.rows_of(disease)
            own = rows.excluded[span] & ~self._dropped(disease, references)
            kept.append(span.start + np.flatnonzero(own))
        return denied_rows(rows, np.concatenate(kept))

    def _dropped(self, disease: int, references: set[str]) -> Mask:
        if self._shared is not SharedRows.UNCOUNTED:
            return self._naming(disease, references)
        return np.array([self._articles[text] <= references for text in self._texts_of(disease)], bool)

    def _naming(self, disease: int, references: set[str]) -> Mask:
        """Which of a disease's rows name one of the references, alone or beside others."""
        return np.array([not references.isdisjoint(self._articles[t]) for t in self._texts_of(disease)], bool)

    def _texts_of(self, disease: int) -> list[int]:
        own: list[int] = self.graph.associations.reference[self.graph.associations.rows_of(disease)].tolist()
        return own

    def _publications(self, disease: int, references: set[str]) -> int:
        rows = self.graph.associations
        own = rows.reference[rows.rows_of(disease)][~self._dropped(disease, references)]
        return len(articles_of(own, self.graph.texts) - references)
