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

from ml.training.devices import in_groups, sent

FEW_ROWS = 1 << 12  # a padded group of fewer is not cut
LEAST_FILLED = 0.4  # of a larger one


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbours from the owner `first` on; their row i is at `places[i]` of (owners * longest)."""

    first: int
    lengths: tuple[int, ...]
    places: torch.Tensor | None  # None where all are of one length
    added: torch.Tensor | None  # to attention's scores, (owners, 1, 1, longest): the lowest for padding

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
    def whose(self) -> torch.Tensor:
        """The owner of each row, (rows,)."""
        return sent(_repeated(range(len(self.lengths)), self.lengths), self._device)

    def padded(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """Of (rows, width) each group's (owners, longest, width)."""
        if len(self.groups) == 1:
            return [self.groups[0].padded(rows)]
        parts = torch.split(rows, [sum(group.lengths) for group in self.groups])
        return [group.padded(part) for group, part in zip(self.groups, parts, strict=True)]

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
        skipped = accumulate((longest - length for length in lengths[:-1]), initial=0)
        places = sent(torch.arange(sum(lengths)) + _repeated(skipped, lengths), self._device)
        lowest = torch.full((size * longest,), float("-inf"), device=self._device)
        added = lowest.index_fill_(0, places, 0.0).view(size, 1, 1, longest)
        return Group(first, lengths, places, added)


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
