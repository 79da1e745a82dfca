"""Where a card's attention takes place: windows of like length together, padded to the longest of them.

A window attends by itself, so that its place in a micro-batch is of no account: sorted by length the windows
leave little of a room to padding, whose cost grows with the square of the length. What stands in the padding
is the window's own first row: keys and values there are not looked at; nobody reads what its queries find.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ml.training.devices import sent

WELL_FILLED = 0.85  # of a large room
FEW_ROWS = 1 << 13  # a room of fewer is not cut: a card waits for launches more than for arithmetic
ALIGNED = 8  # attention would copy a mask whose rows are no multiple of this


class Rooms:
    """Rooms for windows that stand end to end, of these lengths."""

    def __init__(self, lengths: Sequence[int], device: torch.device):
        sizes = np.asarray(lengths, np.int64)
        self.windows = len(sizes)
        self._shapes, taken, masks = [], [], []
        places, begun = np.empty(sizes.sum(), np.int64), 0
        starts, sets = np.cumsum(sizes) - sizes, list(_alike(sizes))
        for windows in sets:
            longest = -(-sizes[windows].max() // ALIGNED) * ALIGNED
            within = np.arange(longest)
            own = within < sizes[windows][:, None]
            rows = starts[windows][:, None] + np.where(own, within, 0)
            places[rows[own]] = begun + np.flatnonzero(own)
            begun += own.size
            taken.append(rows.ravel())
            masks.append(np.where(own, np.float32(0), np.float32("-inf")).ravel())
            self._shapes.append((len(windows), int(longest), bool(own.all())))
        self._order = sent(torch.from_numpy(np.concatenate(sets)), device)
        self._taken = sent(torch.from_numpy(np.concatenate(taken)), device)
        self._places = sent(torch.from_numpy(places), device)
        self.masks = self._split_masks(sent(torch.from_numpy(np.concatenate(masks)), device))

    def padded(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """Of (rows, width) each room's (windows, longest, width)."""
        laid = _Laid.apply(rows, self._taken, self._places)  # type: ignore[no-untyped-call]
        parts = torch.split(laid, [windows * longest for windows, longest, _ in self._shapes])
        return [
            part.view(windows, longest, -1)
            for part, (windows, longest, _) in zip(parts, self._shapes, strict=True)
        ]

    def of_windows(self, values: torch.Tensor) -> list[torch.Tensor]:
        """Of (windows, ...), in their own order, each room's."""
        return list(torch.split(values.index_select(0, self._order), [n for n, *_ in self._shapes]))

    def joined(self, padded: Sequence[torch.Tensor]) -> torch.Tensor:
        """Back in the windows' order, (rows, width)."""
        return torch.cat([part.flatten(0, 1) for part in padded]).index_select(0, self._places)

    def _split_masks(self, together: torch.Tensor) -> list[torch.Tensor | None]:
        parts = torch.split(together, [windows * longest for windows, longest, _ in self._shapes])
        return [
            None if full else part.view(windows, 1, 1, longest)
            for part, (windows, longest, full) in zip(parts, self._shapes, strict=True)
        ]


class _Laid(torch.autograd.Function):
    """Rows at their places in the rooms. Padding takes no part in a gradient: the mask holds it at zero."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, taken: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(places)
        return rows.index_select(0, taken)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (places,) = ctx.saved_tensors
        return gradient.index_select(0, places), None, None


def _alike(sizes: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Windows of like length, cut from the longest on."""
    order = np.argsort(sizes, kind="stable")[::-1]
    begun, rows = 0, 0
    for at, window in enumerate(order.tolist()):
        longest = int(sizes[order[begun]])
        room = (at - begun + 1) * longest
        if room > FEW_ROWS and rows + sizes[window] < WELL_FILLED * room:
            yield order[begun:at]
            begun, rows = at, 0
        rows += int(sizes[window])
    yield order[begun:]
