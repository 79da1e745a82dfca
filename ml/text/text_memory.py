"""Remembers what was worked out for texts, so that the same text is not read again.

Kept by a hash of the text; the texts themselves are not kept. It lives and ends with who holds it.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
KEPT = 8


class TextMemory(Generic[T]):
    """Values by name; the one not asked for the longest goes first. Several threads may ask."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._known: OrderedDict[bytes, T] = OrderedDict()

    def of(self, texts: Sequence[str], make: Callable[[], T]) -> T:
        """What `make` gave for the same texts in the same order, or gives now."""
        name = name_of_texts(texts)
        value = self.get(name)
        if value is None:
            value = make()
            self.put(name, value)
        return value

    def get(self, name: bytes) -> T | None:
        """What is known under a name."""
        value = self._known.pop(name, None)  # in one call: another thread may ask as well
        if value is not None:
            self.put(name, value)
        return value

    def put(self, name: bytes, value: T) -> None:
        """Know it from now on."""
        self._known[name] = value
        if len(self._known) > self._kept:
            self._known.popitem(last=False)


def name_of_texts(texts: Sequence[str]) -> bytes:
    """Of each text's own hash, so that no two ways of cutting the same words are one."""
    whole = hashlib.sha256()
    for text in texts:
        whole.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return whole.digest()


def name_of_tokens(ids: Sequence[int]) -> bytes:
    """Of what a window says, wherever it stands."""
    return hashlib.sha256(array("q", ids).tobytes()).digest()
