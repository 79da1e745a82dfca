"""Known ways to break the promise where a run adds up directions; see `planted_bugs`."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ml.training import direction_rows, directions, dp_head, head_learner, own_centre
from ml.training.direction_rows import DirectionRows
from ml.training.looks import Looks
from tests.bug_bank import BugBank
from tests.ml.training.planted_centre_bugs import as_wide_as_claimed, by_note

DIRECTION_BUGS = BugBank()
bug = DIRECTION_BUGS.plant
real_directions, row_sums, add = directions.directions, directions.row_sums, Looks.add
look, restore = DirectionRows.look, DirectionRows.restore


def added(patch: pytest.MonkeyPatch, settings: Any) -> None:
    """Add a direction sum under other settings than the step's."""

    def other(self: Any, total: Any, *, settings: Any, random: Any) -> None:
        add(self, total, settings=changed(settings, total), random=random)

    changed = settings
    patch.setattr(Looks, "add", other)


@bug
def directions_of_any_length(patch: pytest.MonkeyPatch) -> None:
    def raw(frame: Any, people: Any, most: float) -> Any:
        along = own_centre.mean_features(people, len(frame.axes)) @ frame.axes
        return most * np.concatenate([along, np.full((len(people), 1), directions.COUNT)], axis=1)

    patch.setattr(directions, "directions", raw)
    patch.setattr(directions, "clip_factors", lambda norms, *_: np.isfinite(norms).astype(float))


@bug
def a_count_beside_the_clip(patch: pytest.MonkeyPatch) -> None:
    def beside(frame: Any, people: Any, most: float) -> Any:
        shown = real_directions(frame, people, most)
        shown[:, :-1] /= np.sqrt(1 - directions.COUNT**2)
        return shown

    patch.setattr(directions, "directions", beside)
    patch.setattr(directions, "clip_factors", lambda norms, *_: np.isfinite(norms).astype(float))


@bug
def a_direction_of_each_note(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(direction_rows, "row_sums", lambda s, f, people, c: row_sums(s, f, by_note(people), c))


@bug
def directions_clipped_twice_as_wide(patch: pytest.MonkeyPatch) -> None:
    def wide(state: Any, frame: Any, people: Any, settings: Any) -> Any:
        return row_sums(state, frame, people, replace(settings, max_grad_norm=2 * settings.max_grad_norm))

    patch.setattr(direction_rows, "row_sums", wide)


@bug
def directions_that_let_the_infinite_through(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(directions, "clip_factors", lambda norms, *_: np.full(len(norms), 1.0))


@bug
def a_patient_in_the_row_of_every_disease(patch: pytest.MonkeyPatch) -> None:
    def everywhere(state: Any, frame: Any, people: Any, settings: Any) -> Any:
        told = [replace(p, label=int(row)) for p in people for row in state.rows]
        return row_sums(state, frame, told, settings)

    patch.setattr(direction_rows, "row_sums", everywhere)


@bug
def a_mean_direction_of_those_who_were_drawn(patch: pytest.MonkeyPatch) -> None:
    def mean(state: Any, frame: Any, people: Any, settings: Any) -> Any:
        return row_sums(state, frame, people, settings) / max(len(people), 1)

    patch.setattr(direction_rows, "row_sums", mean)


@bug
def directions_without_noise(patch: pytest.MonkeyPatch) -> None:
    added(patch, lambda settings, _: replace(settings, noise_multiplier=0.0))


@bug
def directions_under_half_the_noise(patch: pytest.MonkeyPatch) -> None:
    added(patch, lambda settings, _: replace(settings, noise_multiplier=settings.noise_multiplier / 2))


@bug
def directions_whose_noise_does_not_pay_for_rounding(patch: pytest.MonkeyPatch) -> None:
    added(patch, lambda settings, _: as_wide_as_claimed(settings))


@bug
def an_empty_sum_without_noise(patch: pytest.MonkeyPatch) -> None:
    added(
        patch,
        lambda settings, total: settings if total.any() else replace(settings, noise_multiplier=0.0),
    )


@bug
def counts_without_noise(patch: pytest.MonkeyPatch) -> None:
    def bare(self: Any, state: Any, people: Any, *, settings: Any, random: Any) -> None:
        before = self._looks._sum.copy().reshape(len(state.rows), -1)
        look(self, state, people, settings=settings, random=random)
        told = self._looks._sum.reshape(len(state.rows), -1)
        total = row_sums(state, self._frame, people, settings)
        told[:, -1] = before[:, -1] + total[:, -1] / settings.expected_batch

    patch.setattr(DirectionRows, "look", bare)


@bug
def a_draw_of_nobody_left_out(patch: pytest.MonkeyPatch) -> None:
    def skipping(self: Any, state: Any, people: Any, *, settings: Any, random: Any) -> None:
        if people:
            look(self, state, people, settings=settings, random=random)

    patch.setattr(DirectionRows, "look", skipping)


@bug
def directions_beside_the_descent(patch: pytest.MonkeyPatch) -> None:
    def both(self: Any, state: Any, people: Any, *, settings: Any, random: Any) -> None:
        look(self, state, people, settings=settings, random=random)
        dp_head.private_step(state, people, settings=settings, random=random)

    patch.setattr(DirectionRows, "look", both)


@bug
def sums_that_begin_anew_at_a_resume(patch: pytest.MonkeyPatch) -> None:
    def anew(self: Any, kept: Any, rows: int) -> None:
        restore(self, kept, rows)
        self._looks._sum = np.zeros_like(self._looks._sum)

    patch.setattr(DirectionRows, "restore", anew)


@bug
def axes_from_the_patients(patch: pytest.MonkeyPatch) -> None:
    begin, start = DirectionRows.begin, head_learner.HeadLearner.__init__
    known: dict[Any, Any] = {}

    def own(self: Any, state: Any, settings: Any, coordinates: Any, seen: Any) -> None:
        if self in known:
            self._read = lambda: np.concatenate([p.features for p in known[self]._patients])
        begin(self, state, settings, coordinates, seen)

    def noted(self: Any, *arguments: Any) -> None:
        start(self, *arguments)
        known[self._directions] = self

    patch.setattr(head_learner.HeadLearner, "__init__", noted)
    patch.setattr(DirectionRows, "begin", own)
