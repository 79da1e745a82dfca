"""Namesakes are the diseases whose names lie nearest, among those that are described at all."""

import numpy as np

from app.workflows.build_namesakes import nearest, spoken_names


def test_namesakes_are_those_named_most_alike_that_have_annotations() -> None:
    rng = np.random.default_rng(2)
    base = rng.normal(size=(12, 80)).astype(np.float32)
    diseases = np.concatenate([base, base + 0.01 * rng.normal(size=base.shape).astype(np.float32)])
    filled = np.ones(24, bool)
    filled[12] = False
    found = nearest(diseases, filled=filled)
    assert found.others[1, 0] == 13
    assert found.shares[1, 0] == found.shares[1].max()
    assert 12 not in found.others
    assert np.allclose(found.shares.sum(axis=1), 1)
    assert not (found.others == np.arange(24)[:, None]).any()


def test_names_are_read_without_abbreviation_or_capitals() -> None:
    assert spoken_names(["MARFAN SYNDROME; MFS", "Ataxia 2"]) == ["Marfan syndrome", "Ataxia 2"]
