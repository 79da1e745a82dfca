"""Noise has the promised spread and never repeats; sampling is a coin for each patient."""

import numpy as np
import pytest
from scipy import stats

from ml.privacy.csprng import SecureRandom


def test_gaussians_have_standard_deviation_one_within_a_percent() -> None:
    numbers = SecureRandom().gaussians(200_000)
    assert numbers.std() == pytest.approx(1.0, abs=0.01)
    assert abs(float(numbers.mean())) < 0.01
    assert stats.kstest(numbers[:50_000], "norm").pvalue > 1e-4


def test_noise_never_repeats_within_or_between_generators() -> None:
    one, other = SecureRandom(), SecureRandom()
    first, second = one.gaussians(4096), one.gaussians(4096)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other.gaussians(4096))
    assert len(np.unique(first)) > 4000


def test_uniforms_are_below_one_and_even() -> None:
    numbers = SecureRandom(b"k" * 32).uniforms(100_000)
    assert 0 <= numbers.min() < numbers.max() < 1
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4


def test_each_patient_is_drawn_with_the_sample_rate() -> None:
    random = SecureRandom(b"s" * 32)
    counts = np.zeros(50)
    for _ in range(4000):
        counts[random.poisson_sample(50, 0.1)] += 1
    assert stats.chisquare(counts).pvalue > 1e-4
    assert counts.mean() / 4000 == pytest.approx(0.1, abs=0.003)


def test_an_empty_draw_happens_and_is_empty() -> None:
    assert SecureRandom().poisson_sample(10, 0.0).tolist() == []
