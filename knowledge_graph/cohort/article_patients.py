"""Patients as single articles describe them: what one article's rows say of one disease, each as often.

Half of the articles' counts are of four patients or fewer, so that what is drawn is near to what was
published. Ranked without their article, they are patients of diseases that no published case stands for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Associations
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.signature import is_article, references_named
from knowledge_graph.terms.term import DiseaseId, TermId

LEAST_TERMS = 4  # that an article has to name
LEAST_FINDINGS = 2  # that a patient has to show
UNSTATED = 0.7  # chance of a term of which the article does not say how often


@dataclass(frozen=True, slots=True)
class ArticlePatient:
    """What one patient shows, and the article that says so, or the articles that say it together."""

    disease_id: DiseaseId
    publications: tuple[str, ...]
    observed: tuple[TermId, ...]


def article_patients(graph: CompiledGraph, *, rng: np.random.Generator) -> Iterator[ArticlePatient]:
    """One patient for each article and disease that it names enough terms of, disease by disease."""
    rows = graph.associations
    likely = _likely(rows)
    named = is_article(rows.reference, graph.texts) & ~rows.excluded
    for disease, disease_id in enumerate(graph.disease_ids):
        span = rows.rows_of(disease)
        references = rows.reference[span]
        for reference in np.unique(references[named[span]]).tolist():
            own = span.start + np.flatnonzero((references == reference) & named[span])
            seen = own[rng.random(len(own)) < likely[own]]
            observed = np.unique(rows.term[seen]).tolist()
            if len(own) >= LEAST_TERMS and len(observed) >= LEAST_FINDINGS:
                terms = tuple(graph.term_ids[term] for term in observed)
                yield ArticlePatient(disease_id, references_named(graph.texts[reference]), terms)


def _likely(rows: Associations) -> npt.NDArray[np.float64]:
    """How often each row says its term is seen: (n_rows,)."""
    counted = rows.numerator >= 0
    stated = np.where(np.isnan(rows.fraction), UNSTATED, rows.fraction)
    found: npt.NDArray[np.float64] = np.where(
        counted, rows.numerator / np.maximum(rows.denominator, 1), stated
    )
    return found
