"""Puts an update's review into plain words: what leaves, what a reader sees, what stays, what is promised."""

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from ml.registry.training_result import PrivacyClaim

if TYPE_CHECKING:
    from app.workflows.review_update import TensorPart, UpdateReview

_NAMED = 6
_GUESS = 0.01
WEAK = 10.0  # an epsilon above which a guess may become as good as certain


def describe_update(review: "UpdateReview") -> tuple[str, ...]:
    """The review, a thought a line; lines that begin with a space belong to a list."""
    return (*_what_leaves(review), *_what_stays(), *guarantee(review.privacy), *_spending(review))


def folded(lines: Sequence[str]) -> tuple[str, ...]:
    """The same for a terminal: 100 characters wide, what belongs to a list indented as it begins."""
    return tuple(part for line in lines for part in _folded(line))


def _folded(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return wrap(line.lstrip(), 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _what_leaves(review: "UpdateReview") -> list[str]:
    parts = [
        f"  - {part.name}: {math.prod(part.shape):,} numbers, shape {_shape(part)}, {_size(part.bytes)}"
        for part in review.tensors
    ]
    return [
        "This file tells the coordinator how training here has changed the shared model. Only the "
        "coordinator it is sealed for can open it. It holds:",
        *parts,
        f"    (the noised difference to the base {review.base[:12]}; {_size(len(review.payload))} in all)",
        *_which_rows(review),
        f"  - the site's name: {review.site}",
        f"  - the round: {review.round}, and the full name of the base",
        f"  - a weight of {review.weight:,}: a number you declare in public, not counted from patients",
        "  - the privacy statement below, and the coordinator's public address",
        "  - two signatures: the site's and the privacy officer's",
    ]


def _which_rows(review: "UpdateReview") -> list[str]:
    """The only fact about the site's choice that noise does not cover."""
    if not review.diseases:
        return []
    more = len(review.diseases) - _NAMED
    named = ", ".join(review.diseases[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return [
        f"    (only the rows of {len(review.diseases):,} diseases differ: those that your site has declared "
        f"to treat. A reader sees which they are: {named})"
    ]


def _what_stays() -> list[str]:
    return [
        "It does not hold: texts or words of notes, names, identifiers, counts of patients or diagnoses, "
        "how well the model does, dates or times, the optimizer's state, or anything not listed above."
    ]


def guarantee(claim: PrivacyClaim) -> list[str]:
    """What is promised to each patient, and by which mechanism."""
    odds = math.exp(min(claim.epsilon, 50.0))
    surer = odds * _GUESS / (1 - _GUESS + odds * _GUESS)
    alike = (
        "the file would look much the same if that person had never been here"
        if claim.epsilon <= WEAK
        else "but at so large an epsilon weakly, and the file may well tell that that person was here"
    )
    promise = (
        f"Privacy: epsilon {claim.epsilon:.4g}, delta {claim.delta:.2g}. Protected is one whole {claim.unit} "
        f"with all notes: {alike}. Whoever reads it can raise the odds that any one person was learned from "
        f"by a factor of at most {odds:,.3g}: a guess of 1 in 100 becomes {100 * surer:.3g} in "
        f"100 at most, but for a chance of 1 in {1 / claim.delta:,.0f} that it is more."
    )
    mechanism = (
        f"Mechanism: {claim.mechanism}, {claim.steps:,} steps, sample rate {claim.sample_rate:.4g}, "
        f"noise multiplier {claim.noise_multiplier:.4g}, max_grad_norm {claim.max_grad_norm:.4g} "
        "(of the last run; epsilon counts those before it, too)."
    )
    return [promise, mechanism]


def _spending(review: "UpdateReview") -> list[str]:
    cap = "" if review.cap is None else f"; the cap is {review.cap:.4g}"
    return [
        f"In all, these patients have spent epsilon {review.spent_epsilon:.4g} by this vault's ledger{cap}. "
        "To sign spends nothing more. What has left can't be called back."
    ]


def _shape(part: "TensorPart") -> str:
    return " x ".join(f"{length:,}" for length in part.shape)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(count / 1e3, 0.1):.1f} kB"
