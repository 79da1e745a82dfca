"""Several trainers on one machine that step as one: each clips its share, the first adds the noise.

    first    drawn places ──────────► all
    all      clipped sum of a share ─► first, added up
    first    sum + noise, divided ───► all, who take the same step of the optimizer

The noise is added once, to the whole sum, by the one that drew the patients: the mechanism and its epsilon
are those of one trainer. What has no noise yet crosses this machine's loopback and nothing else (gloo).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed

from ml.errors import TrainingRefused

MEETING = timedelta(minutes=5)  # until all have come
PATIENCE = timedelta(days=7)  # a member waits as long as the first waits to be granted a block
END = -1
T = TypeVar("T")


class Team:
    """One member; `rank` 0 is the first, who alone speaks with the parent."""

    def __init__(self, meeting: str, *, rank: int, size: int):
        self.rank, self.size = rank, size
        self._group = _gloo(meeting, rank, size)
        self._from_first, self._to_first = distributed.BroadcastOptions(), distributed.ReduceOptions()
        self._from_first.timeout = self._to_first.timeout = PATIENCE

    @property
    def leads(self) -> bool:
        """Whether this is the member who draws, adds noise and reports."""
        return self.rank == 0

    def share(self, drawn: Sequence[T]) -> list[T]:
        """This member's part of who was drawn; everybody is in one member's part."""
        return list(drawn[self.rank :: self.size])

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """The sum over the members, in place; only the first may use it."""
        whole = _joined(tensors)
        self._group.reduce([whole], self._to_first).wait()
        _part(whole, tensors)

    def take_over(self, tensors: Sequence[torch.Tensor]) -> None:
        """Everybody's tensors become the first's, in place."""
        whole = _joined(tensors)
        self._hand_out(whole)
        _part(whole, tensors)

    def tell(self, drawn: Sequence[int] | None) -> None:
        """The first says who was drawn, or (None) that it is over."""
        count = END if drawn is None else len(drawn)
        self._hand_out(torch.tensor([count]))
        if drawn:
            self._hand_out(torch.tensor(drawn))

    def hear(self) -> list[int] | None:
        """What the first says; None once it is over."""
        count = torch.zeros(1, dtype=torch.long)
        self._hand_out(count)
        if int(count) == END:
            return None
        drawn = torch.zeros(int(count), dtype=torch.long)
        if len(drawn):
            self._hand_out(drawn)
        return [int(place) for place in drawn]

    def _hand_out(self, tensor: torch.Tensor) -> None:
        self._group.broadcast([tensor], self._from_first).wait()


def join_team(meeting: str, *, rank: int, size: int) -> Team:
    """Wait for the others. Raises TrainingRefused where these trainers can't work together."""
    if not distributed.is_available() or not distributed.is_gloo_available():
        raise TrainingRefused("this torch can't train on several devices; train with --devices 1")
    return Team(meeting, rank=rank, size=size)


def _gloo(meeting: str, rank: int, size: int) -> Any:
    """A group on the loopback address alone: the one that goes with the machine's name others may reach."""
    torch_distributed: Any = distributed
    options = torch_distributed.ProcessGroupGloo._Options()
    options._timeout = MEETING
    options._devices = [torch_distributed.ProcessGroupGloo.create_device(hostname="127.0.0.1")]
    store = torch_distributed.FileStore(meeting, size)
    return torch_distributed.ProcessGroupGloo(store, rank, size, options)


def _joined(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def _part(whole: torch.Tensor, tensors: Sequence[torch.Tensor]) -> None:
    with torch.no_grad():
        for tensor, own in zip(tensors, torch.split(whole, [t.numel() for t in tensors]), strict=True):
            tensor.copy_(own.view_as(tensor))
