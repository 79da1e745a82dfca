"""Remembers what was worked out for the last few charts' texts, so that a new mark does not read them again.

Kept by a hash of the texts; the texts themselves are not kept. It lives and ends with who holds it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
KEPT = 8


class TextMemory(Generic[T]):
    """Values by texts, in their order; the one not asked for the longest goes first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._known: OrderedDict[bytes, T] = OrderedDict()

    def of(self, texts: Sequence[str], make: Callable[[], T]) -> T:
        """What `make` gave for the same texts, or gives now."""
        name = _hash(texts)
        value = self._known.pop(name, None)  # in one call: another thread may ask as well
        if value is None:
            value = make()
        self._known[name] = value
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return value


def _hash(texts: Sequence[str]) -> bytes:
    """Of each text's own hash, so that no two ways of cutting the same words are one."""
    whole = hashlib.sha256()
    for text in texts:
        whole.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return whole.digest()
