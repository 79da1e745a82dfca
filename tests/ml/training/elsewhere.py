"""A pretended graphics card: its tensors compute on the processor, but refuse to meet one that lies there.

torch takes them for `meta` tensors, the one foreign device that every build has. What a card refuses, they
refuse: to be mixed with the processor's tensors other than numbers, and to be read as numpy. Attention is
torch's written-out one there, so that the last bits may differ.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

ELSEWHERE = torch.device("meta")
COPY = torch.ops.aten.copy_.default


class Elsewhere(torch.Tensor):
    """Says that it lies elsewhere; `held` is the processor's tensor behind it."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "Elsewhere":
        """Of the same shape, strides and type."""
        made: Elsewhere = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=ELSEWHERE,
        )
        made.held = held
        return made

    def data_ptr(self) -> int:
        """Of what is held."""
        return self.held.data_ptr()

    def tolist(self) -> list[Any]:
        """A copy of the numbers, which a card gives too."""
        numbers: list[Any] = self.held.tolist()
        return numbers

    @classmethod
    def __torch_dispatch__(cls, call: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        return _computed(call, args, kwargs or {})


class _Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(self, call: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(call, args, kwargs or {})


@contextmanager
def elsewhere() -> Iterator[torch.device]:
    """The pretended device, while it is there."""
    plain = torch.tensor

    def made(*args: Any, device: torch.device | None = None, **kwargs: Any) -> torch.Tensor:
        """torch would leave a meta tensor without its numbers: they are brought over."""
        return plain(*args, **kwargs).to(device or "cpu")

    with patch.object(torch, "tensor", made), _Calls():  # type: ignore[no-untyped-call]
        yield ELSEWHERE


def _computed(call: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    there = [t for t in tensors if isinstance(t, Elsewhere)]
    here = [t for t in tensors if not isinstance(t, Elsewhere) and t.dim()]
    if there and here and call is not COPY:
        raise RuntimeError(f"{call} mixes tensors of two devices: {[tuple(t.shape) for t in here]}")
    target = kwargs.get("device")
    moved = bool(there) if target is None else target == ELSEWHERE
    kwargs = kwargs if target is None else kwargs | {"device": torch.device("cpu")}
    out = call(*tree_map_only(Elsewhere, _held, args), **tree_map_only(Elsewhere, _held, kwargs))
    if call is COPY:
        return args[0]
    written = {id(t.held): t for t in there}  # what is written in place stays the same tensor
    return tree_map_only(torch.Tensor, lambda t: written.get(id(t), Elsewhere(t)), out) if moved else out


def _held(tensor: Elsewhere) -> torch.Tensor:
    return tensor.held
