"""Ranks and top-k agree with counting by hand."""

import numpy as np

from ml.evaluation.ranking_quality import top_k, true_ranks


def test_the_rank_is_one_plus_the_number_of_higher_scores() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=(40, 7)), rng.integers(0, 7, 40)
    slow = [
        1 + sum(s > row[t] for i, s in enumerate(row) if i != t) for row, t in zip(scores, truth, strict=True)
    ]
    assert true_ranks(scores, truth).tolist() == slow


def test_a_tie_counts_against_the_truth() -> None:
    assert true_ranks(np.zeros((1, 5)), np.array([2])).tolist() == [5]


def test_top_k_of_a_hand_made_case() -> None:
    ranks = np.array([1, 2, 4])
    assert top_k(ranks, 1) == 1 / 3
    assert top_k(ranks, 2) == 2 / 3


def test_no_rows_give_zero() -> None:
    assert top_k(np.array([], dtype=int), 1) == 0.0
