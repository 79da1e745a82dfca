"""Known ways to break the guarantee where patients are gone through in groups; see `test_planted_bugs`.

Most of the encoder's own bugs about the clipped sum are planted there once more.
"""

from collections.abc import Callable

import pytest
import torch

from ml.training.attention_rooms import Rooms
from ml.training.own_gradients import LinearLayer, Pass
from ml.training.segments import Group, Segments
from tests.bug_bank import BugBank
from tests.ml.training.encoder_checks import (
    an_encoder_counts_no_gradient_that_is_not_finite,
    hidden_words_are_guessed_by_each_patient_for_herself,
    one_patient_moves_every_scope_by_at_most_the_clip,
    the_encoders_sum_is_of_clipped_patients,
)
from tests.ml.training.grouped import in_groups
from tests.ml.training.planted_encoder_bugs import ENCODER_BUGS

AGAIN = (
    "encoder_without_clipping",
    "encoder_clipping_each_window",
    "a_length_without_the_matrices",
    "a_length_without_the_biases",
    "a_length_without_gram_matrices",
    "a_gram_matrix_of_its_diagonal",
    "a_table_whose_length_is_not_counted",
    "a_table_whose_sum_is_not_clipped",
    "norms_of_layers_not_clipped",
    "matrices_not_clipped",
    "factors_of_the_neighbour",
    "who_is_taken_alone_counts_twice",
    "ghost_with_the_lengths_as_factors",
    "gradients_that_are_not_finite_let_through",
    "hidden_words_averaged_over_all_who_were_drawn",
)
GROUP_BUGS = BugBank({f"{name}_in_groups": ENCODER_BUGS[name] for name in AGAIN})
bug = GROUP_BUGS.plant
GROUP_CHECKS: tuple[Callable[[], None], ...] = tuple(
    map(
        in_groups,
        (
            the_encoders_sum_is_of_clipped_patients,
            one_patient_moves_every_scope_by_at_most_the_clip,
            an_encoder_counts_no_gradient_that_is_not_finite,
            hidden_words_are_guessed_by_each_patient_for_herself,
        ),
    )
)
padded, add, distinct = Group.padded, Pass.add, Segments.distinct
add_thin = Pass.add_thin


@bug
def windows_that_see_the_padding_beside_them(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rooms, "_split_masks", lambda self, _masks: [None] * len(self._shapes))


@bug
def windows_that_come_back_in_the_rooms_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Rooms, "joined", lambda self, parts: torch.cat([p.flatten(0, 1) for p in parts])[: len(self._places)]
    )


@bug
def a_prefix_counted_as_the_window_of_its_room(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rooms, "of_windows", lambda self, values: list(values.split([n for n, *_ in self._shapes])))


@bug
def vectors_of_the_first_patient_alone(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Pass, "add_thin", lambda self, p, own: add_thin(self, p, own[:1].expand_as(own).contiguous())
    )


@bug
def padding_that_is_another_patients_row(patch: pytest.MonkeyPatch) -> None:
    def filled(self: Group, rows: torch.Tensor) -> torch.Tensor:
        if self.places is None:
            return padded(self, rows)
        room = rows[-1:].repeat(len(self.lengths) * self.longest, 1)
        return room.index_copy(0, self.places, rows).view(len(self.lengths), self.longest, -1)

    patch.setattr(Group, "padded", filled)


@bug
def groups_that_end_one_row_late(patch: pytest.MonkeyPatch) -> None:
    """A patient's last row is her neighbour's first."""

    def shifted(self: Segments, rows: torch.Tensor) -> list[torch.Tensor]:
        whole = plain(self, rows)
        return whole if len(self.lengths) == 1 or rows.requires_grad else plain(self, rows.roll(1, 0))

    plain = Segments.padded
    patch.setattr(Segments, "padded", shifted)


@bug
def lengths_that_are_the_first_patients_for_her_whole_group(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Pass, "add", lambda self, own, at=0: add(self, own[:1].expand_as(own) if own.dim() > 2 else own, at)
    )


@bug
def lengths_counted_from_the_first_group_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pass, "add", lambda self, own, _at=0: add(self, own, 0))


@bug
def a_table_with_one_row_for_all_who_have_an_id(patch: pytest.MonkeyPatch) -> None:
    def shared(self: Segments, ids: torch.Tensor, kinds: int) -> tuple[torch.Tensor, torch.Tensor]:
        keys, place = distinct(self, ids, kinds)
        return keys % kinds, place

    patch.setattr(Segments, "distinct", shared)


@bug
def only_the_last_group_is_added(patch: pytest.MonkeyPatch) -> None:
    write_out = LinearLayer._write_out
    patch.setattr(
        LinearLayer, "_write_out", lambda self, g, b, a, now: write_out(self, g[-1:], b[-1:], a[-1:], now)
    )
