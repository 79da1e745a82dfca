"""A text finds the name that moves the model's logits the same way."""

import numpy as np
import pytest

from ml.evaluation.zero_shot import SPREAD, zero_shot_head, zero_shot_scores


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


def test_a_head_of_new_names_scores_texts_as_far_as_they_go_in_a_names_direction() -> None:
    """Against the plain formula on logits, text by text; the spread over public texts is the one promised."""
    rng = np.random.default_rng(3)
    weight, bias = rng.normal(size=(9, 4)).astype(np.float32), rng.normal(size=9).astype(np.float32)
    features, texts, public = rng.normal(size=(3, 4)), rng.normal(size=(6, 4)), rng.normal(size=(20, 4))
    names = features @ weight.T + bias
    rows, offsets = zero_shot_head(weight, bias, names=names, public=public @ weight.T + bias)
    mean, found = names.mean(axis=0), texts @ rows.T + offsets
    plain = np.array(
        [
            [(weight @ text + bias - mean) @ (name - mean) / np.linalg.norm(name - mean) for name in names]
            for text in texts
        ]
    )
    assert np.abs(found / plain - found[0, 0] / plain[0, 0]).max() < 1e-4
    assert found[0, 0] / plain[0, 0] > 0
    spread = public @ rows.T + offsets
    assert abs(float((spread - spread.mean(axis=1, keepdims=True)).std()) - SPREAD) < 1e-4
