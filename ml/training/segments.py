"""Rows that stand end to end, so many of them each owner's: the tokens of a window, the windows of a patient.

What is done for each owner is done for a group of neighbours at once, padded to the longest of them. On the
processor each owner is a group: nothing is padded or copied. On a card, which waits for launches more than
for arithmetic, a group holds as many as do not leave most of it padding. A group's padding is zeros, and what
comes of it is not read again, so that nobody's rows depend on who else is there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
import torch

from ml.training.attention_rooms import Rooms
from ml.training.devices import in_groups, sent

FEW_ROWS = 1 << 12  # a padded group of fewer is not cut
LEAST_FILLED = 0.4  # of a larger one


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbours from the owner `first` on; their row i is at `places[i]` of (owners * longest)."""

    first: int
    lengths: tuple[int, ...]
    places: torch.Tensor | None  # None where all are of one length
    taken: torch.Tensor | None  # of each of (owners * longest) its row, the owner's first for padding

    @property
    def last(self) -> int:
        """The owner behind the group's."""
        return self.first + len(self.lengths)

    @property
    def longest(self) -> int:
        """Rows of each, padding included."""
        return max(self.lengths)

    def padded(self, rows: torch.Tensor) -> torch.Tensor:
        """Of the owners' (rows, width) their (owners, longest, width)."""
        if self.places is not None:
            room = rows.new_zeros(len(self.lengths) * self.longest, rows.shape[-1])
            rows = room.index_copy_(0, self.places, rows)
        return rows.view(len(self.lengths), self.longest, rows.shape[-1])

    def joined(self, padded: torch.Tensor) -> torch.Tensor:
        """The inverse of `padded`."""
        rows = padded.flatten(0, 1)
        return rows if self.places is None else rows.index_select(0, self.places)

    def repeated(self, rows: torch.Tensor) -> torch.Tensor:
        """As `padded`, but an owner's padding is her own first row: for what meets zeros there."""
        if self.taken is not None:
            rows = rows.index_select(0, self.taken)
        return rows.view(len(self.lengths), self.longest, rows.shape[-1])


class Segments:
    """How many rows are each owner's, and how these are grouped on a device."""

    def __init__(self, lengths: Sequence[int], device: torch.device):
        self.lengths, self._device = tuple(lengths), device
        self._grouped = in_groups(device)

    @cached_property
    def groups(self) -> list[Group]:
        """From the first owner to the last."""
        sizes = _filled(self.lengths) if self._grouped else [1] * len(self.lengths)
        starts = accumulate(sizes, initial=0)
        return [self._group(first, size) for first, size in zip(starts, sizes, strict=False)]

    @cached_property
    def rooms(self) -> "Rooms | Segments":
        """Where the owners' rows attend to one another."""
        return Rooms(self.lengths, self._device) if self._grouped else self

    @property
    def masks(self) -> Sequence[torch.Tensor | None]:
        """What each group adds to attention's scores: nothing where each owner stands alone."""
        return [None] * len(self.groups)

    @property
    def windows(self) -> int:
        """How many owners there are."""
        return len(self.lengths)

    def of_windows(self, values: torch.Tensor) -> list[torch.Tensor]:
        """Of (owners, ...) each group's."""
        return list(torch.split(values, [len(group.lengths) for group in self.groups]))

    @cached_property
    def whose(self) -> torch.Tensor:
        """The owner of each row, (rows,)."""
        return sent(_repeated(range(len(self.lengths)), self.lengths), self._device)

    def padded(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """Of (rows, width) each group's (owners, longest, width)."""
        if len(self.groups) == 1:
            return [self.groups[0].padded(rows)]
        parts = torch.split(rows, [sum(group.lengths) for group in self.groups])
        return [group.padded(part) for group, part in zip(self.groups, parts, strict=True)]

    def repeated(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """As `padded`, but an owner's padding is her own first row."""
        if len(self.groups) == 1:
            return [self.groups[0].repeated(rows)]
        parts = torch.split(rows, [sum(group.lengths) for group in self.groups])
        return [group.repeated(part) for group, part in zip(self.groups, parts, strict=True)]

    def joined(self, padded: Sequence[torch.Tensor]) -> torch.Tensor:
        """The inverse of `padded`."""
        return _end_to_end([group.joined(part) for group, part in zip(self.groups, padded, strict=True)])

    def sums(self, rows: torch.Tensor) -> torch.Tensor:
        """Over each owner's rows, (owners, width)."""
        return summed(self.padded(rows))

    def distinct(self, ids: torch.Tensor, kinds: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys owner * kinds + id, each once, and of each row the place of its key among them.

        In groups there are as many keys as rows, the last of them 0 and nobody's place: to count the
        different ones, a card would have to be waited for.
        """
        keys = self.whose * kinds + ids.reshape(-1)
        if not self._grouped:
            found, place = torch.unique(keys, return_inverse=True)
            return found, place
        ordered, order = keys.sort()
        number = torch.zeros_like(ordered)
        number[1:] = (ordered[1:] != ordered[:-1]).cumsum(0)
        found = torch.zeros_like(keys).index_copy_(0, number, ordered)
        return found, torch.empty_like(order).index_copy_(0, order, number)

    def _group(self, first: int, size: int) -> Group:
        lengths = self.lengths[first : first + size]
        longest = max(lengths)
        if min(lengths) == longest:
            return Group(first, lengths, None, None)
        within, own = np.arange(longest), np.array(lengths)[:, None]
        starts = np.cumsum(own, axis=0) - own
        taken = starts + np.where(within < own, within, 0)
        both = np.flatnonzero(within < own), taken.ravel()
        places, rows = (sent(torch.from_numpy(numbers), self._device) for numbers in both)
        return Group(first, lengths, places, rows)


def summed(padded: Sequence[torch.Tensor]) -> torch.Tensor:
    """Over each owner's rows, (owners, width), from all groups' (owners, longest, width)."""
    return _end_to_end([part.sum(1) for part in padded])


def _end_to_end(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _repeated(numbers: Iterable[int], lengths: Sequence[int]) -> torch.Tensor:
    return torch.from_numpy(np.repeat(np.fromiter(numbers, np.int64), lengths))


def _filled(lengths: Sequence[int]) -> list[int]:
    """Sizes of groups of neighbours, cut from the end on, where the longest of sorted owners are."""
    sizes: list[int] = []
    count = rows = longest = 0
    for length in reversed(lengths):
        room = (count + 1) * max(longest, length)
        if count and room > FEW_ROWS and (rows + length) < LEAST_FILLED * room:
            sizes.append(count)
            count = rows = longest = 0
        count, rows, longest = count + 1, rows + length, max(longest, length)
    return [*([count] if count else []), *reversed(sizes)]
