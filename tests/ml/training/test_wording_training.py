"""Synonyms teach which words mean the same: a pair never seen together is found."""

import numpy as np
import pytest

from ml.linking.linker import Linker
from ml.linking.wording_encoder import WordingEncoder
from ml.training.wording_training import LearningProgress, Teaching, learn_wordings

ORGANS = (
    ("renal", "kidney"),
    ("cardiac", "heart"),
    ("hepatic", "liver"),
    ("ocular", "eye"),
    ("dermal", "skin"),
)
SIGNS = (
    ("calculus", "stone"),
    ("neoplasm", "growth"),
    ("agenesis", "missing"),
    ("algia", "ache"),
    ("rubor", "red"),
)
TERMS = [
    (f"{organ} {sign}", f"{plain_sign} of the {plain_organ}")
    for organ, plain_organ in ORGANS
    for sign, plain_sign in SIGNS
]
HELD_OUT = frozenset({0, 6, 12, 18, 24})  # each organ and each sign once


def taught(seed: int = 0) -> tuple[list[LearningProgress], WordingEncoder]:
    pairs = [TERMS[i] for i in range(len(TERMS)) if i not in HELD_OUT]
    read = [name for name, _ in TERMS]
    vectors = np.random.default_rng(1).normal(size=(len(read), 48)).astype(np.float32)
    teaching = Teaching([*pairs, ("somnolence",), ("pyrexia",)], {0: "a hard thing"}, read, vectors)
    *reports, encoder = learn_wordings(teaching, seed=seed)
    assert isinstance(encoder, WordingEncoder)
    return [r for r in reports if isinstance(r, LearningProgress)], encoder


@pytest.mark.slow
def test_a_synonym_never_seen_is_found_by_what_its_words_mean_elsewhere() -> None:
    reports, encoder = taught()
    linker = Linker(encoder, [(name, (name,)) for name, _ in TERMS])
    found = [linker.nearest(TERMS[i][1], limit=1)[0].term_id for i in sorted(HELD_OUT)]
    assert found == [TERMS[i][0] for i in sorted(HELD_OUT)]
    imitation = [report.loss for report in reports if report.steps == reports[0].steps]
    assert imitation[-1] < imitation[0]


@pytest.mark.slow
def test_the_same_seed_teaches_the_same() -> None:
    one, again, other = (taught(seed)[1] for seed in (0, 0, 1))
    assert one.vocabulary == again.vocabulary == other.vocabulary
    np.testing.assert_array_equal(one.weights, again.weights)
    assert not np.allclose(one.weights, other.weights)
