"""Judges a privacy statement: complete, in range, and possible for the mechanism that it names."""

import math

from ml.errors import UpdateRefused
from ml.privacy.ledger import MECHANISM
from ml.privacy.loss_distribution import least_epsilon
from ml.registry.training_result import PrivacyClaim

UNIT = "patient"
LARGEST_EPSILON = 100.0
LARGEST_DELTA = 0.01
LARGEST_STEPS = 1_000_000


def check_claim(claim: PrivacyClaim) -> None:
    """Refuse a claim that is missing, out of range, or smaller than its own steps allow."""
    if claim.epsilon == 0 or claim.mechanism == "none":
        raise UpdateRefused(
            "this version makes no privacy promise (epsilon 0); only what DP-SGD has trained may leave"
        )
    if claim.mechanism != MECHANISM or claim.unit != UNIT:
        raise UpdateRefused(
            f"the privacy statement must name {MECHANISM} and the {UNIT} as its unit; train anew"
        )
    if not all(math.isfinite(v) for v in _numbers(claim)) or not _in_range(claim):
        raise UpdateRefused("a number of the privacy statement is out of range; train anew")
    least = least_epsilon([(claim.noise_multiplier, claim.sample_rate, claim.steps)], claim.delta)
    if claim.epsilon < least:
        raise UpdateRefused("the epsilon stated is below what its own noise and steps give; ask the site why")


def _numbers(claim: PrivacyClaim) -> tuple[float, ...]:
    return (claim.epsilon, claim.delta, claim.sample_rate, claim.noise_multiplier, claim.max_grad_norm)


def _in_range(claim: PrivacyClaim) -> bool:
    return (
        0 < claim.epsilon <= LARGEST_EPSILON
        and 0 < claim.delta <= LARGEST_DELTA
        and 0 < claim.sample_rate <= 1
        and claim.noise_multiplier > 0
        and claim.max_grad_norm > 0
        and 1 <= claim.steps <= LARGEST_STEPS
    )
