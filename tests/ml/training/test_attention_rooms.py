"""Windows of like length attend in one room; each sees its own rows alone, and comes back in its place."""

import pytest
import torch

from ml.training import attention_rooms
from ml.training.attention_rooms import ALIGNED, WELL_FILLED, Rooms

LENGTHS = (9, 3, 40, 3, 17, 1, 40, 8, 16)
ROWS = torch.randn(sum(LENGTHS), 5, generator=torch.Generator().manual_seed(3))
OWN = torch.split(ROWS, list(LENGTHS))
ONE_ROOM, SEVERAL_ROOMS = 1 << 12, 0


@pytest.fixture(params=[ONE_ROOM, SEVERAL_ROOMS], ids=["one room", "several rooms"])
def rooms(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Rooms:
    monkeypatch.setattr(attention_rooms, "FEW_ROWS", request.param)
    return Rooms(LENGTHS, torch.device("cpu"))


def test_each_window_stands_in_a_room_with_its_own_first_row_for_padding(rooms: Rooms) -> None:
    windows = [window for room in rooms.padded(ROWS) for window in room]
    numbers = torch.cat(rooms.of_windows(torch.arange(rooms.windows))).tolist()
    assert sorted(numbers) == list(range(len(LENGTHS)))
    for number, window in zip(numbers, windows, strict=True):
        own = OWN[number]
        assert torch.equal(window[: len(own)], own)
        assert torch.equal(window[len(own) :], own[:1].expand(len(window) - len(own), -1))
    assert all(room.shape[1] % ALIGNED == 0 for room in rooms.padded(ROWS))


def test_rows_come_back_in_their_order(rooms: Rooms) -> None:
    assert torch.equal(rooms.joined(rooms.padded(ROWS)), ROWS)


def test_a_mask_lowers_the_scores_of_padding_alone(rooms: Rooms) -> None:
    numbers = iter(torch.cat(rooms.of_windows(torch.arange(rooms.windows))).tolist())
    for room, mask in zip(rooms.padded(ROWS), rooms.masks, strict=True):
        for place in range(len(room)):
            length = LENGTHS[next(numbers)]
            if mask is None:
                assert length == room.shape[1]
            else:
                assert mask[place, 0, 0].tolist() == [0.0] * length + [float("-inf")] * (
                    room.shape[1] - length
                )


def test_large_rooms_are_well_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_rooms, "FEW_ROWS", 0)
    rooms = Rooms(LENGTHS, torch.device("cpu"))
    lengths = rooms.of_windows(torch.tensor(LENGTHS))
    assert 1 < len(lengths) < len(LENGTHS)
    assert all(int(own.sum()) >= WELL_FILLED * len(own) * int(own.max()) for own in lengths)


def test_a_gradient_through_the_rooms_is_the_plain_one(rooms: Rooms) -> None:
    """Of attention of each window by itself."""
    rows = ROWS.clone().requires_grad_(True)
    attended = [
        torch.nn.functional.scaled_dot_product_attention(part, part, part, attn_mask=mask)
        for part, mask in zip(
            rooms.padded(rows), [None if m is None else m[:, 0] for m in rooms.masks], strict=True
        )
    ]
    weights = torch.randn(ROWS.shape, generator=torch.Generator().manual_seed(4))
    (found,) = torch.autograd.grad((rooms.joined(attended) * weights).sum(), [rows])
    slow = ROWS.clone().requires_grad_(True)
    alone = [
        torch.nn.functional.scaled_dot_product_attention(own[None], own[None], own[None])[0]
        for own in torch.split(slow, list(LENGTHS))
    ]
    (expected,) = torch.autograd.grad((torch.cat(alone) * weights).sum(), [slow])
    assert torch.allclose(found, expected, atol=1e-6)
