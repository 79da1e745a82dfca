"""Known ways to break the promise where a run looks for a site's own centre; see `planted_bugs`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml.training import dp_head, learner, own_centre
from ml.training.own_centre import OwnCentre
from tests.bug_bank import BugBank

CENTRE_BUGS = BugBank()
bug = CENTRE_BUGS.plant
clipped_means, look = own_centre.clipped_means, OwnCentre.look


@bug
def a_look_without_clipping(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_centre, "clip_factors", lambda norms, *_: np.isfinite(norms).astype(float))


@bug
def a_look_at_each_note_instead_of_the_patient(patch: pytest.MonkeyPatch) -> None:
    def notes(people: Any, hidden: int, settings: Any) -> Any:
        told = [replace(p, features=p.features[i : i + 1]) for p in people for i in range(len(p.features))]
        return clipped_means(told, hidden, settings)

    patch.setattr(own_centre, "clipped_means", notes)


@bug
def a_look_that_lets_the_infinite_through(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_centre, "clip_factors", lambda norms, *_: np.full(len(norms), 0.1))


@bug
def a_look_at_nobody_without_noise(patch: pytest.MonkeyPatch) -> None:
    def quiet(self: Any, people: Any, *, settings: Any, random: Any) -> None:
        noise = settings.noise_multiplier if people else 0.0
        look(self, people, settings=replace(settings, noise_multiplier=noise), random=random)

    patch.setattr(OwnCentre, "look", quiet)


@bug
def a_look_without_noise(patch: pytest.MonkeyPatch) -> None:
    def bare(self: Any, people: Any, *, settings: Any, random: Any) -> None:
        look(self, people, settings=replace(settings, noise_multiplier=0.0), random=random)

    patch.setattr(OwnCentre, "look", bare)


@bug
def a_look_whose_noise_does_not_pay_for_rounding(patch: pytest.MonkeyPatch) -> None:
    def claimed(self: Any, people: Any, *, settings: Any, random: Any) -> None:
        narrow = replace(settings, noise_multiplier=settings.noise_multiplier / dp_head.WIDER)
        look(self, people, settings=narrow, random=random)

    patch.setattr(OwnCentre, "look", claimed)


@bug
def a_look_divided_by_who_was_drawn(patch: pytest.MonkeyPatch) -> None:
    def by_drawn(self: Any, people: Any, *, settings: Any, random: Any) -> None:
        look(
            self, people, settings=replace(settings, expected_batch=float(max(len(people), 1))), random=random
        )

    patch.setattr(OwnCentre, "look", by_drawn)


@bug
def looks_beside_the_granted_steps(patch: pytest.MonkeyPatch) -> None:
    step = learner._HeadLearner.step

    def twice(self: Any, drawn: Any, settings: Any, random: Any) -> None:
        while not self._centre.complete():
            step(self, drawn, settings, random)
        step(self, drawn, settings, random)

    patch.setattr(learner._HeadLearner, "step", twice)
