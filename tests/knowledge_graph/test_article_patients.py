"""A patient drawn from an article shows what its rows say, as often as they say it."""

from collections import Counter

import numpy as np

from knowledge_graph.cohort.article_patients import LEAST_FINDINGS, LEAST_TERMS, article_patients
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.signature import references_named


def test_a_patient_shows_what_its_article_says_of_the_disease(real_graph: CompiledGraph) -> None:
    rows, drawn = real_graph.associations, list(article_patients(real_graph, rng=np.random.default_rng(1)))
    assert len(drawn) > 5000
    for one in drawn[::100]:
        span = rows.rows_of(real_graph.disease_number(one.disease_id))
        said = {
            real_graph.term_ids[term]
            for term, excluded, reference in zip(
                rows.term[span], rows.excluded[span], rows.reference[span], strict=True
            )
            if not excluded and references_named(real_graph.texts[reference]) == one.publications
        }
        assert set(one.observed) <= said
        assert len(said) >= LEAST_TERMS
        assert len(one.observed) >= LEAST_FINDINGS


def test_what_an_article_saw_in_half_of_its_patients_is_drawn_half_of_the_time(
    real_graph: CompiledGraph,
) -> None:
    shown: Counter[bool] = Counter()
    rows = real_graph.associations
    half = {
        (d, references_named(real_graph.texts[rows.reference[r]]), real_graph.term_ids[rows.term[r]])
        for d in range(len(real_graph.disease_ids))
        for r in range(rows.rows_of(d).start, rows.rows_of(d).stop)
        if rows.denominator[r] >= 4 and 2 * rows.numerator[r] == rows.denominator[r] and not rows.excluded[r]
    }
    by_article: dict[tuple[int, tuple[str, ...]], set[str]] = {}
    for disease, reference, term in half:
        by_article.setdefault((disease, reference), set()).add(term)
    for one in article_patients(real_graph, rng=np.random.default_rng(1)):
        for term in by_article.get((real_graph.disease_number(one.disease_id), one.publications), ()):
            shown[term in one.observed] += 1
    assert 0.45 < shown[True] / shown.total() < 0.6  # who shows fewer than two findings is not told of


def test_the_same_draw_gives_the_same_patients(real_graph: CompiledGraph) -> None:
    one, other = (list(article_patients(real_graph, rng=np.random.default_rng(3))) for _ in range(2))
    assert one == other
