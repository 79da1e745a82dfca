"""Known ways to break the encoder's guarantee, as patches of the real code; see `test_planted_bugs`."""

import os
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from ml.privacy.csprng import SecureRandom
from ml.training import book_keeping, masked_words, own_gradients, released_sums
from ml.training.adalora import RankAllocator
from ml.training.book_keeping import BookKeeping
from ml.training.clipping import Clipping
from ml.training.dp_encoder import EncoderTrainer
from ml.training.masked_words import MaskedWordsNetwork
from ml.training.own_gradients import EmbeddingLayer, LinearLayer, Pass
from ml.training.patient_batches import Patient
from ml.training.released_sums import NoiseAhead, NoiseInPlace
from ml.training.team import Team
from tests.bug_bank import BugBank

ENCODER_BUGS = BugBank()
bug = ENCODER_BUGS.plant
factors, together, alone = Clipping.factors, BookKeeping._together, BookKeeping._alone
clipped_sum, step, add = BookKeeping.clipped_sum, EncoderTrainer.step, Pass.add
noisy, release, ahead = released_sums.noisy, NoiseInPlace.release, NoiseAhead.__init__
release_ahead, count_by_gram = NoiseAhead.release, own_gradients._count_by_gram


@bug
def encoder_without_clipping(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Clipping, "factors", lambda _self, norms: torch.ones_like(norms))


@bug
def encoder_clipping_twice_as_wide(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Clipping, "factors", lambda self, norms: 2 * factors(self, norms))


@bug
def automatic_clipping_that_divides_by_half_the_length(patch: pytest.MonkeyPatch) -> None:
    def halved(self: Clipping, norms: torch.Tensor) -> torch.Tensor:
        return factors(self, norms / 2 if self.kind == "automatic" else norms)

    patch.setattr(Clipping, "factors", halved)


@bug
def encoder_clipping_by_the_squared_length(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Clipping, "factors", lambda self, norms: factors(self, norms.square()))


@bug
def encoder_clipping_each_window(patch: pytest.MonkeyPatch) -> None:
    def windows(self: BookKeeping, people: Any, clipping: Clipping) -> Any:
        return clipped_sum(self, [Patient((part,), p.label) for p in people for part in p.parts], clipping)

    patch.setattr(BookKeeping, "clipped_sum", windows)


@bug
def a_length_without_the_matrices(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pass, "add", lambda self, own, at=0: None if own.dim() > 2 else add(self, own, at))


@bug
def a_length_without_the_biases(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pass, "add", lambda self, own, at=0: add(self, own, at) if own.dim() > 2 else None)


@bug
def a_length_without_gram_matrices(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_gradients, "_count_by_gram", lambda *_: None)


@bug
def a_gram_matrix_of_its_diagonal(patch: pytest.MonkeyPatch) -> None:
    def diagonal(inputs: torch.Tensor, gradients: torch.Tensor, now: Pass, place: int) -> None:
        eye = torch.eye(inputs.shape[-1])
        count_by_gram(inputs * eye, gradients * eye, now, place)

    patch.setattr(own_gradients, "_count_by_gram", diagonal)


@bug
def a_table_whose_length_is_not_counted(patch: pytest.MonkeyPatch) -> None:
    came_back = EmbeddingLayer.came_back

    def uncounted(self: EmbeddingLayer, gradient: torch.Tensor, now: Pass) -> None:
        before = now.squared.clone()
        came_back(self, gradient, now)
        now.squared.copy_(before)

    patch.setattr(EmbeddingLayer, "came_back", uncounted)


@bug
def a_table_whose_sum_is_not_clipped(patch: pytest.MonkeyPatch) -> None:
    add_to = EmbeddingLayer.add_to
    patch.setattr(EmbeddingLayer, "add_to", lambda self, t, f: add_to(self, t, torch.ones_like(f)))


@bug
def norms_of_layers_not_clipped(patch: pytest.MonkeyPatch) -> None:
    add_thin_to = Pass.add_thin_to
    patch.setattr(Pass, "add_thin_to", lambda self, t, f: add_thin_to(self, t, torch.ones_like(f)))


@bug
def matrices_not_clipped(patch: pytest.MonkeyPatch) -> None:
    add_to = LinearLayer.add_to
    patch.setattr(LinearLayer, "add_to", lambda self, t, f: add_to(self, t, torch.ones_like(f)))


@bug
def factors_of_the_neighbour(patch: pytest.MonkeyPatch) -> None:
    add_to = LinearLayer.add_to
    patch.setattr(LinearLayer, "add_to", lambda self, t, f: add_to(self, t, f.roll(1)))


@bug
def who_is_taken_alone_is_not_clipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BookKeeping, "_alone", lambda self, p, _c, t: alone(self, p, Clipping(1e9), t))


@bug
def who_is_taken_alone_counts_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BookKeeping, "_alone", lambda self, *a: (alone(self, *a), alone(self, *a)))


@bug
def who_is_too_large_is_left_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BookKeeping, "_alone", lambda *_: None)


@bug
def ghost_with_the_lengths_as_factors(patch: pytest.MonkeyPatch) -> None:
    again = BookKeeping._again
    patch.setattr(BookKeeping, "_again", lambda self, b, f, t: again(self, b, 1 / f.clamp(min=1e-6), t))


@bug
def encoder_with_half_the_noise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(released_sums, "noisy", lambda total, noise, spread: noisy(total, noise, spread / 2))


@bug
def encoder_noise_two_percent_short(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(released_sums, "noisy", lambda total, noise, spread: noisy(total, noise, 0.98 * spread))


@bug
def noise_added_in_single_precision(patch: pytest.MonkeyPatch) -> None:
    def single(total: torch.Tensor, noise: torch.Tensor, spread: float) -> torch.Tensor:
        return (total + noisy(torch.zeros_like(total), noise, spread).float()).double()

    patch.setattr(released_sums, "noisy", single)


@bug
def the_same_noise_for_every_piece(patch: pytest.MonkeyPatch) -> None:
    kept: dict[int, torch.Tensor] = {}

    def same(total: torch.Tensor, noise: torch.Tensor, spread: float) -> torch.Tensor:
        return noisy(total, kept.setdefault(total.numel(), noise.clone()).clone(), spread)

    patch.setattr(released_sums, "noisy", same)


@bug
def one_noise_for_all_coordinates(patch: pytest.MonkeyPatch) -> None:
    def one(total: torch.Tensor, noise: torch.Tensor, spread: float) -> torch.Tensor:
        return noisy(total, noise.flatten()[0].expand(total.shape).clone(), spread)

    patch.setattr(released_sums, "noisy", one)


@bug
def tables_without_noise(patch: pytest.MonkeyPatch) -> None:
    def some(self: NoiseInPlace, sums: Sequence[torch.Tensor], spread: float, *, divisor: float) -> None:
        for total in sums:
            release(self, [total], spread if total.shape[:1] != (12,) else 0.0, divisor=divisor)

    patch.setattr(NoiseInPlace, "release", some)


@bug
def one_key_for_all_threads(patch: pytest.MonkeyPatch) -> None:
    def alike(_self: SecureRandom, count: int) -> list[SecureRandom]:
        key = os.urandom(32)
        return [SecureRandom(key) for _ in range(count)]

    patch.setattr(SecureRandom, "branches", alike)


@bug
def keys_of_threads_by_their_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        SecureRandom, "branches", lambda _self, count: [SecureRandom(bytes([i]) * 32) for i in range(count)]
    )


@bug
def noise_ahead_used_twice(patch: pytest.MonkeyPatch) -> None:
    kept: list[torch.Tensor] = []

    def again(self: NoiseAhead, sums: Sequence[torch.Tensor], random: SecureRandom) -> None:
        ahead(self, sums, random)
        for done in self._made or ():
            done.result()
        kept.append(self._words.clone())
        self._words = kept[0].clone()

    patch.setattr(NoiseAhead, "__init__", again)


@bug
def half_of_the_noise_ahead_for_all(patch: pytest.MonkeyPatch) -> None:
    def told(self: NoiseAhead, sums: Sequence[torch.Tensor], spread: float, *, divisor: float) -> None:
        for done in self._made or ():
            done.result()
        points = self._words.view(2, -1)
        half = points[:, : points.shape[1] // 2 + 1]
        self._words = half.repeat(1, 2)[:, : points.shape[1]].flatten()
        release_ahead(self, sums, spread, divisor=divisor)

    patch.setattr(NoiseAhead, "release", told)


@bug
def an_encoders_empty_step_skipped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        EncoderTrainer, "step", lambda self, people, **k: step(self, people, **k) if people else None
    )


@bug
def an_encoder_dividing_by_who_was_drawn(patch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    def drawn(self: EncoderTrainer, people: Any, *, settings: Any, random: Any) -> None:
        step(self, people, settings=replace(settings, expected_batch=max(len(people), 1)), random=random)

    patch.setattr(EncoderTrainer, "step", drawn)


@bug
def gradients_that_are_not_finite_let_through(patch: pytest.MonkeyPatch) -> None:
    class _Torch:
        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

        def isfinite(self, values: torch.Tensor) -> torch.Tensor:
            return torch.ones_like(values, dtype=torch.bool)

    patch.setattr(book_keeping, "torch", _Torch())


@bug
def sums_kept_in_single_precision(patch: pytest.MonkeyPatch) -> None:
    def rounded(self: BookKeeping, batch: Any, clipping: Clipping, totals: Any) -> Any:
        left = together(self, batch, clipping, totals)
        for total in totals.values():
            total.copy_(total.float())
        return left

    patch.setattr(BookKeeping, "_together", rounded)


@bug
def ranks_chosen_by_the_sum_without_noise(patch: pytest.MonkeyPatch) -> None:
    kept: dict[int, torch.Tensor] = {}
    judge = RankAllocator._judge

    def remembered(self: BookKeeping, people: Any, clipping: Clipping) -> Any:
        summed = clipped_sum(self, people, clipping)
        kept.update({id(p): total.clone() for p, total in zip(self.parameters, summed, strict=True)})
        return summed

    def peeking(self: RankAllocator) -> None:
        for part in self._all:
            part.grad = kept[id(part)].to(part.dtype)
        judge(self)

    patch.setattr(BookKeeping, "clipped_sum", remembered)
    patch.setattr(RankAllocator, "_judge", peeking)


@bug
def ranks_never_given_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RankAllocator, "_keep", lambda *_: None)


@bug
def masks_drawn_from_one_stream(patch: pytest.MonkeyPatch) -> None:
    drawn = iter(range(10**9))
    patch.setattr(masked_words, "_fingerprint", lambda _window: next(drawn))


@bug
def hidden_words_averaged_over_all_who_were_drawn(patch: pytest.MonkeyPatch) -> None:
    losses = MaskedWordsNetwork.losses

    def together(self: MaskedWordsNetwork, parts: Any, labels: torch.Tensor, **more: Any) -> torch.Tensor:
        return losses(self, parts, labels, **more) / len(parts)

    patch.setattr(MaskedWordsNetwork, "losses", together)


@bug
def everybody_in_every_members_share(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Team, "share", lambda _self, drawn: list(drawn))


@bug
def a_team_in_which_nobody_adds_noise(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Team, "leads", property(lambda _self: False))


@bug
def noise_from_a_member_who_does_not_lead(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Team, "leads", property(lambda self: self.rank == 1))
