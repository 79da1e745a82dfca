"""Noise has the promised spread and never repeats; sampling is a coin for each patient."""

import numpy as np
import pytest
from scipy import stats

from ml.privacy import csprng
from ml.privacy.csprng import GRID, SecureRandom


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


def test_branches_have_keys_of_their_own() -> None:
    """And neither theirs nor their parent's numbers come twice; a test's key gives the same ones again."""
    for key in (None, b"k" * 32):
        parent = SecureRandom(key)
        family = [*parent.branches(2), *parent.branches(1), parent, *SecureRandom(b"o" * 32).branches(2)]
        drawn = np.concatenate([member.uniforms(1000) for member in family])
        assert len(np.unique(drawn)) == len(drawn)
    one, same = (SecureRandom(b"k" * 32).branches(2)[1].uniforms(9) for _ in range(2))
    assert np.array_equal(one, same)


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


def test_a_long_stream_takes_a_fresh_key_and_never_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cipher ends after 2^38 bytes: seventeen hundred steps of noise for the whole head."""
    assert csprng.FRESH_KEY_AFTER < 1 << 38
    monkeypatch.setattr(csprng, "FRESH_KEY_AFTER", 800)
    random = SecureRandom(b"k" * 32)
    drawn = np.concatenate([random.uniforms(100) for _ in range(50)])
    assert len(np.unique(drawn)) == 5000
    assert np.array_equal(drawn[:100], SecureRandom(b"k" * 32).uniforms(100))
    assert stats.kstest(drawn, "uniform").pvalue > 1e-4


def test_noise_has_the_resolution_that_hides_a_sum_in_single_precision() -> None:
    numbers = SecureRandom().gaussians(1000)
    assert numbers.dtype == np.float64
    assert (numbers.astype(np.float32) != numbers).mean() > 0.9


def test_an_empty_draw_happens_and_is_empty() -> None:
    assert SecureRandom().poisson_sample(10, 0.0).tolist() == []


def test_few_gaussians_are_gaussians_too() -> None:
    """Odd counts, and the ends of pieces, are made of both coordinates of a point."""
    random = SecureRandom()
    numbers = np.array([random.grid_gaussians(3) for _ in range(4000)]) / GRID
    assert np.abs(numbers.mean(axis=0)).max() < 0.1
    assert np.abs(np.cov(numbers.T) - np.eye(3)).max() < 0.12


def test_gaussians_on_the_grid_are_whole_standard_and_never_repeat() -> None:
    numbers = SecureRandom().grid_gaussians(200_000)
    assert np.array_equal(numbers, np.rint(numbers))
    assert (numbers / GRID).std() == pytest.approx(1.0, rel=0.01)
    assert np.mean((numbers / GRID) ** 4) == pytest.approx(3.0, rel=0.05)
    assert len(np.unique(numbers)) > len(numbers) - 5  # by chance two of 2^37 values meet now and then
    assert np.mean(numbers % 2) == pytest.approx(0.5, abs=0.01)
