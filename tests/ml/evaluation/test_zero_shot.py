"""A text finds the name that moves the model's logits the same way."""

import numpy as np
import pytest

from ml.evaluation.zero_shot import zero_shot_scores


def test_it_is_the_cosine_written_out() -> None:
    rng = np.random.default_rng(0)
    texts, names = rng.normal(size=(4, 6)), rng.normal(size=(3, 6))
    found = zero_shot_scores(texts, names)
    for i in range(4):
        for j in range(3):
            a, b = texts[i] - texts.mean(0), names[j] - names.mean(0)
            assert found[i, j] == pytest.approx(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_what_all_texts_share_does_not_count() -> None:
    rng = np.random.default_rng(1)
    names = rng.normal(size=(5, 8))
    texts = 3 * names + 100  # the same directions behind one large common part
    assert zero_shot_scores(texts, names).argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


def test_rows_that_are_all_alike_favour_no_name() -> None:
    assert not zero_shot_scores(np.ones((2, 4)), np.ones((3, 4))).any()
