"""Known ways to break differential privacy, as patches of the real code; `test_planted_bugs` plants them."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ml.privacy import csprng
from ml.privacy.csprng import SecureRandom
from ml.training import accountant, dp_head, worker
from ml.training.accountant import epsilons_along
from ml.training.rounding import wider
from tests.bug_bank import BugBank, Plant

MECHANISM_BUGS, TRAINER_BUGS = BugBank(), BugBank()
bug, trainer_bug = MECHANISM_BUGS.plant, TRAINER_BUGS.plant

clipped_sum, private_step, adam_update = dp_head.clipped_sum, dp_head.private_step, dp_head.adam_update
gaussians, poisson_sample = SecureRandom.gaussians, SecureRandom.poisson_sample
plan_noise, blocks = worker.plan_noise, worker.blocks


def by_hand(step: Callable[..., Any]) -> Plant:
    """Replace the private step by one written from `step(total, people, settings, random)`."""

    def private(state: Any, people: Any, *, settings: Any, random: Any) -> None:
        gradient = step(state, people, settings, random)
        if gradient is not None:
            dp_head.adam_update(state, np.asarray(gradient, np.float32), settings)

    return lambda patch: patch.setattr(dp_head, "private_step", private)


def noise_for(total: Any, settings: Any, random: Any) -> Any:
    spread = settings.noise_multiplier * settings.max_grad_norm
    return spread * random.gaussians(total.size).reshape(total.shape)


def own_gradient(state: Any, person: Any) -> Any:
    a, b = dp_head.factors(state, person)
    return a.T.astype(np.float64) @ b


@bug
def no_clipping(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dp_head, "clipped_sum", lambda s, p, _c, **k: clipped_sum(s, p, 1e9, **k))


@bug
def clipping_twice_as_wide(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dp_head, "clipped_sum", lambda s, p, c, **k: clipped_sum(s, p, 2 * c, **k))


@bug
def clipping_each_note_instead_of_the_patient(patch: pytest.MonkeyPatch) -> None:
    def notes(people: Any) -> Any:
        return [
            dp_head.PatientFeatures(p.features[i : i + 1], p.label)
            for p in people
            for i in range(len(p.features))
        ]

    patch.setattr(dp_head, "clipped_sum", lambda s, p, c, **k: clipped_sum(s, notes(p), c, **k))


@bug
def clipping_the_bias_apart_from_the_weights(patch: pytest.MonkeyPatch) -> None:
    def apart(state: Any, people: Any, clip: float, **_: Any) -> Any:
        total = np.zeros_like(state.first)
        for person in people:
            gradient = own_gradient(state, person)
            for part in (slice(0, -1), slice(-1, None)):
                length = max(float(np.linalg.norm(gradient[:, part])), 1e-12)
                total[:, part] += gradient[:, part] * min(1.0, clip / length)
        return total

    patch.setattr(dp_head, "clipped_sum", apart)


@bug
def clipping_the_batch_instead_of_the_patient(patch: pytest.MonkeyPatch) -> None:
    def together(state: Any, people: Any, clip: float, **_: Any) -> Any:
        total = sum((own_gradient(state, p) for p in people), np.zeros_like(state.first, np.float64))
        return (total * min(1.0, clip / max(float(np.linalg.norm(total)), 1e-12))).astype(np.float32)

    patch.setattr(dp_head, "clipped_sum", together)


@bug
def lengthening_short_gradients(patch: pytest.MonkeyPatch) -> None:
    def normalised(state: Any, people: Any, clip: float, **_: Any) -> Any:
        total = np.zeros_like(state.first)
        for person in people:
            gradient = own_gradient(state, person)
            total += gradient * max(1.0, clip / max(float(np.linalg.norm(gradient)), 1e-12))
        return total

    patch.setattr(dp_head, "clipped_sum", normalised)


@bug
def infinite_gradients_let_through(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dp_head, "_gradient_norms", lambda a, _b: np.full(len(a), 0.1))


@bug
def half_the_noise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SecureRandom, "gaussians", lambda self, count: gaussians(self, count) / 2)


@bug
def noise_two_percent_short(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SecureRandom, "gaussians", lambda self, count: 0.98 * gaussians(self, count))


@bug
def noise_that_does_not_pay_for_rounding(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dp_head, "wider", lambda _expected: 1.0)


@bug
def noise_that_pays_for_her_own_rounding_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(dp_head, "wider", lambda _expected: wider(0.0))


@bug
def uniform_noise_of_the_right_spread(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SecureRandom, "gaussians", lambda self, n: (self.uniforms(n) - 0.5) * np.sqrt(12))


@bug
def noise_cut_at_two_deviations(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SecureRandom, "gaussians", lambda self, n: np.clip(gaussians(self, n), -2, 2))


@bug
def noise_that_forgets_the_clip(patch: pytest.MonkeyPatch) -> None:
    by_hand(lambda s, p, c, r: (
        clipped_sum(s, p, c.max_grad_norm) + noise_for(s.first, c, r) * c.max_grad_norm
    ) / c.expected_batch)(patch)  # fmt: skip


@bug
def noise_on_each_patient_before_clipping(patch: pytest.MonkeyPatch) -> None:
    def step(state: Any, people: Any, settings: Any, random: Any) -> Any:
        total = np.zeros_like(state.first, np.float64)
        for person in people or [None]:
            noisy = noise_for(total, settings, random)
            if person is not None:
                noisy += own_gradient(state, person)
            total += noisy * min(1.0, settings.max_grad_norm / float(np.linalg.norm(noisy) + 1e-12))
        return total / settings.expected_batch

    by_hand(step)(patch)


@bug
def noise_after_dividing(patch: pytest.MonkeyPatch) -> None:
    by_hand(lambda s, p, c, r: (
        clipped_sum(s, p, c.max_grad_norm) / c.expected_batch
        + noise_for(s.first, c, r) / c.expected_batch**2
    ))(patch)  # fmt: skip


@bug
def dividing_by_who_was_drawn(patch: pytest.MonkeyPatch) -> None:
    by_hand(lambda s, p, c, r: (
        clipped_sum(s, p, c.max_grad_norm) + noise_for(s.first, c, r)
    ) / max(len(p), 1))(patch)  # fmt: skip


@bug
def an_empty_step_skipped(patch: pytest.MonkeyPatch) -> None:
    def step(state: Any, people: Any, *, settings: Any, random: Any) -> None:
        if people:
            private_step(state, people, settings=settings, random=random)

    patch.setattr(dp_head, "private_step", step)


@bug
def an_empty_step_without_noise(patch: pytest.MonkeyPatch) -> None:
    by_hand(lambda s, p, c, r: (
        clipped_sum(s, p, c.max_grad_norm) + (noise_for(s.first, c, r) if p else 0)
    ) / c.expected_batch)(patch)  # fmt: skip


@bug
def noise_used_twice(patch: pytest.MonkeyPatch) -> None:
    kept: dict[int, Any] = {}
    patch.setattr(SecureRandom, "gaussians", lambda self, n: kept.setdefault(n, gaussians(self, n)))


@bug
def the_same_key_in_every_run(patch: pytest.MonkeyPatch) -> None:
    begin = SecureRandom.__init__
    patch.setattr(SecureRandom, "__init__", lambda self, key=None: begin(self, key or b"k" * 32))


@bug
def noise_from_numpys_global_twister(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SecureRandom, "gaussians", lambda _self, n: np.random.normal(size=n))


@bug
def a_key_from_the_clock(patch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    begin = SecureRandom.__init__
    patch.setattr(
        SecureRandom, "__init__", lambda self, _key=None: begin(self, next(ticks).to_bytes(32, "big"))
    )


@bug
def noise_in_single_precision(patch: pytest.MonkeyPatch) -> None:
    def step(state: Any, people: Any, settings: Any, random: Any) -> Any:
        total = dp_head.clipped_sum(state, people, settings.max_grad_norm)
        return (total + noise_for(total, settings, random).astype(np.float32)) / np.float32(
            settings.expected_batch
        )

    by_hand(step)(patch)


@bug
def noise_on_rows_nobody_declared(patch: pytest.MonkeyPatch) -> None:
    def update(state: Any, gradient: Any, settings: Any) -> None:
        adam_update(state, gradient, settings)
        state.weights[[1, 4]] += np.float32(1e-3)

    patch.setattr(dp_head, "adam_update", update)


@bug
def a_batch_of_fixed_size(patch: pytest.MonkeyPatch) -> None:
    def fixed(self: SecureRandom, population: int, rate: float) -> Any:
        return np.argsort(self.uniforms(population))[: round(rate * population)]

    patch.setattr(SecureRandom, "poisson_sample", fixed)


@bug
def twice_the_sample_rate(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SecureRandom, "poisson_sample", lambda self, n, q: poisson_sample(self, n, min(1, 2 * q)))


@bug
def never_an_empty_batch(patch: pytest.MonkeyPatch) -> None:
    def some(self: SecureRandom, population: int, rate: float) -> Any:
        drawn = poisson_sample(self, population, rate)
        return drawn if len(drawn) else np.array([0])

    patch.setattr(SecureRandom, "poisson_sample", some)


@bug
def one_coin_for_all(patch: pytest.MonkeyPatch) -> None:
    def all_or_none(self: SecureRandom, population: int, rate: float) -> Any:
        return np.arange(population if self.uniforms(1)[0] < rate else 0)

    patch.setattr(SecureRandom, "poisson_sample", all_or_none)


@trainer_bug
def steps_without_a_grant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(worker, "_granted", lambda _inward: True)


@trainer_bug
def one_step_too_many_in_a_block(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(worker, "blocks", lambda job: [size + 1 for size in blocks(job)])


@trainer_bug
def a_resumed_run_that_begins_anew(patch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    patch.setattr(worker, "blocks", lambda job: blocks(replace(job, done_steps=0)))


@trainer_bug
def less_noise_in_a_resumed_run(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(worker, "plan_noise", lambda job: 0.9 * (plan_noise(job) or 0))


@trainer_bug
def epsilon_that_forgets_what_was_spent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(accountant, "epsilons_along", lambda _history, run, delta: epsilons_along((), run, delta))


@trainer_bug
def epsilon_at_a_larger_delta(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(accountant, "epsilons_along", lambda history, run, d: epsilons_along(history, run, 100 * d))


@trainer_bug
def epsilon_of_one_step_fewer(patch: pytest.MonkeyPatch) -> None:
    def fewer(history: Any, run: Any, delta: float) -> Any:
        return epsilons_along(history, [(*run[0][:2], run[0][2] - 1), *run[1:]], delta)

    patch.setattr(accountant, "epsilons_along", fewer)


@trainer_bug
def epsilon_of_half_the_sample_rate(patch: pytest.MonkeyPatch) -> None:
    def half(history: Any, run: Any, delta: float) -> Any:
        return epsilons_along(history, [(s, q / 2, n) for s, q, n in run], delta)

    patch.setattr(accountant, "epsilons_along", half)


@trainer_bug
def a_batch_size_told(patch: pytest.MonkeyPatch) -> None:
    progress = worker._progress
    patch.setattr(worker, "_progress", lambda *args: progress(*args) | {"batch": 5})


@bug
def a_stream_that_begins_anew(patch: pytest.MonkeyPatch) -> None:
    draw = SecureRandom._bytes

    def again(self: SecureRandom, count: int) -> bytes:
        self._begin(b"k" * 32)
        return draw(self, count)

    patch.setattr(csprng.SecureRandom, "_bytes", again)
