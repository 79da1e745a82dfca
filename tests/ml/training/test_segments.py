"""What is done for a group of owners is what is done for each of them; padding has no part in it."""

import pytest
import torch

from ml.training.segments import LEAST_FILLED, Segments
from tests.ml.training.grouped import ALL_TOGETHER, SEVERAL_GROUPS, grouped

CPU = torch.device("cpu")
LENGTHS = (2, 3, 3, 3, 17, 1, 40, 40)
ROWS = torch.randn(sum(LENGTHS), 5, generator=torch.Generator().manual_seed(3))
OWN = torch.split(ROWS, list(LENGTHS))


@pytest.mark.parametrize("few_rows", [ALL_TOGETHER, SEVERAL_GROUPS])
@pytest.mark.parametrize("lengths", [LENGTHS, LENGTHS[:1], (4, 4, 4)])
def test_rows_go_into_groups_and_come_back(lengths: tuple[int, ...], few_rows: int) -> None:
    rows = ROWS[: sum(lengths)]
    with grouped(few_rows):
        segments = Segments(lengths, CPU)
    padded = segments.padded(rows)
    assert torch.equal(segments.joined(padded), rows)
    assert [length for group in segments.groups for length in group.lengths] == list(lengths)
    each = [
        (part[i], length)
        for group, part in zip(segments.groups, padded, strict=True)
        for i, length in enumerate(group.lengths)
    ]
    for (one, length), own in zip(each, torch.split(rows, list(lengths)), strict=True):
        assert torch.equal(one[:length], own)
        assert not one[length:].any()


def test_on_the_processor_each_owner_stands_alone_and_nothing_is_copied() -> None:
    segments = Segments(LENGTHS, CPU)
    assert [group.lengths for group in segments.groups] == [(length,) for length in LENGTHS]
    assert all(
        part.untyped_storage().data_ptr() == ROWS.untyped_storage().data_ptr()
        for part in segments.padded(ROWS)
    )


def test_a_large_group_is_cut_before_most_of_it_is_padding() -> None:
    with grouped():
        groups = Segments(LENGTHS, CPU).groups
    assert 1 < len(groups) < len(LENGTHS)
    assert all(sum(g.lengths) >= LEAST_FILLED * len(g.lengths) * g.longest for g in groups)
    with grouped(ALL_TOGETHER):
        assert len(Segments(LENGTHS, CPU).groups) == 1


@pytest.mark.parametrize("few_rows", [None, ALL_TOGETHER, SEVERAL_GROUPS])
def test_sums_and_distinct_ids_are_each_owners(few_rows: int | None) -> None:
    ids = torch.randint(0, 4, (len(ROWS),), generator=torch.Generator().manual_seed(4))
    if few_rows is None:
        segments = Segments(LENGTHS, CPU)
    else:
        with grouped(few_rows):
            segments = Segments(LENGTHS, CPU)
    assert torch.allclose(segments.sums(ROWS), torch.stack([own.sum(0) for own in OWN]), atol=1e-5)
    keys, place = segments.distinct(ids, 4)
    owners = [i for i, length in enumerate(LENGTHS) for _ in range(length)]
    assert keys[place].tolist() == [
        owner * 4 + number for owner, number in zip(owners, ids.tolist(), strict=True)
    ]
    used = keys[torch.unique(place)]
    assert len(torch.unique(used)) == len(used)


@pytest.mark.parametrize("few_rows", [ALL_TOGETHER, SEVERAL_GROUPS])
def test_padding_can_be_each_owners_own_first_row(few_rows: int) -> None:
    with grouped(few_rows):
        segments = Segments(LENGTHS, CPU)
    each = [one for part in segments.repeated(ROWS) for one in part]
    for one, own in zip(each, OWN, strict=True):
        assert torch.equal(one[: len(own)], own)
        assert torch.equal(one[len(own) :], own[:1].expand(len(one) - len(own), -1))
