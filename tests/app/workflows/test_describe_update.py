"""What a person reads of an update before she signs is true of a large epsilon, too."""

from dataclasses import replace

import pytest

from app.workflows.describe_update import guarantee
from ml.registry.training_result import PrivacyClaim

CLAIM = PrivacyClaim(delta=1e-4, mechanism="DP-SGD", sample_rate=0.1, noise_multiplier=0.5, steps=30)


@pytest.mark.parametrize(("epsilon", "alike"), [(1.0, True), (10.0, True), (10.1, False), (36.0, False)])
def test_a_file_looks_much_the_same_only_at_a_small_epsilon(epsilon: float, alike: bool) -> None:
    promise, mechanism = guarantee(replace(CLAIM, epsilon=epsilon))
    assert ("much the same" in promise) is alike
    assert ("may well tell that that person was here" in promise) is not alike
    assert mechanism.endswith("(of the last run; epsilon counts those before it, too).")
