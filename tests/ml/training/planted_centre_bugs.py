"""Known ways to break the promise where a run looks instead of descending; see `planted_bugs`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml.training import head_learner, looks, own_centre, start_sureness
from ml.training.dp_head import StepSettings
from ml.training.looks import Looks
from ml.training.rounding import wider
from tests.bug_bank import BugBank

CENTRE_BUGS = BugBank()
bug = CENTRE_BUGS.plant
look, mean_features, relief = Looks.look, own_centre.mean_features, start_sureness.relief


def by_note(people: Any) -> Any:
    return [replace(p, features=p.features[i : i + 1]) for p in people for i in range(len(p.features))]


def as_wide_as_claimed(settings: StepSettings) -> StepSettings:
    """Noise without what pays for rounding."""
    claimed = settings.noise_multiplier / wider(settings.expected_batch)
    return replace(settings, noise_multiplier=claimed)


@bug
def a_look_without_clipping(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(looks, "clip_factors", lambda norms, *_: np.isfinite(norms).astype(float))


@bug
def a_look_at_each_note_instead_of_the_patient(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_centre, "mean_features", lambda people, size: mean_features(by_note(people), size))


@bug
def a_look_at_sureness_by_each_note(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(start_sureness, "relief", lambda state, people: relief(state, by_note(people)))


@bug
def a_look_that_lets_the_infinite_through(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(looks, "clip_factors", lambda norms, *_: np.full(len(norms), 0.1))


@bug
def a_look_at_nobody_without_noise(patch: pytest.MonkeyPatch) -> None:
    def quiet(self: Any, shown: Any, *, settings: Any, random: Any) -> None:
        noise = settings.noise_multiplier if len(shown) else 0.0
        look(self, shown, settings=replace(settings, noise_multiplier=noise), random=random)

    patch.setattr(Looks, "look", quiet)


@bug
def a_look_without_noise(patch: pytest.MonkeyPatch) -> None:
    def bare(self: Any, people: Any, *, settings: Any, random: Any) -> None:
        look(self, people, settings=replace(settings, noise_multiplier=0.0), random=random)

    patch.setattr(Looks, "look", bare)


@bug
def a_look_whose_noise_does_not_pay_for_rounding(patch: pytest.MonkeyPatch) -> None:
    def claimed(self: Any, people: Any, *, settings: Any, random: Any) -> None:
        look(self, people, settings=as_wide_as_claimed(settings), random=random)

    patch.setattr(Looks, "look", claimed)


@bug
def a_look_divided_by_who_was_drawn(patch: pytest.MonkeyPatch) -> None:
    def by_drawn(self: Any, people: Any, *, settings: Any, random: Any) -> None:
        look(
            self, people, settings=replace(settings, expected_batch=float(max(len(people), 1))), random=random
        )

    patch.setattr(Looks, "look", by_drawn)


@bug
def looks_beside_the_granted_steps(patch: pytest.MonkeyPatch) -> None:
    step = head_learner.HeadLearner.step

    def twice(self: Any, drawn: Any, settings: Any, random: Any) -> None:
        while not (self._centre.complete() and self._sureness.complete()):
            step(self, drawn, settings, random)
        step(self, drawn, settings, random)

    patch.setattr(head_learner.HeadLearner, "step", twice)
