"""Streams the entries of a bundle too large to be parsed whole; memory is bounded by one entry."""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO

import ijson

from app.errors import ImportRefused
from app.exchange.item import ReadLimits
from app.exchange.strict_json import DEEPEST, storable_text


def streamed_entries(stream: BinaryIO, top: "TopLevel", *, name: str, limits: ReadLimits) -> Iterator[Any]:
    """Values of `entry.item`, built event by event so that duplicate keys and depth are seen."""
    guard = _TokenGuard(stream, limits.largest_document, name)
    builder: _Builder | None = None
    try:
        for event, value in ijson.basic_parse(guard):
            guard.token_ended()
            if top.take(event, value):
                builder = _Builder(name, limits.largest_document)
            if builder is not None:
                builder.take(event, value)
                if builder.done:
                    yield builder.value
                    builder = None
    except (ijson.JSONError, UnicodeDecodeError, ValueError, ArithmeticError) as error:
        raise ImportRefused(f"{name}: not valid JSON or cut short; export it again") from error
    if top.kind != "Bundle":
        raise ImportRefused(f"{name}: too large to be one resource, and no FHIR bundle; split it")


class _TokenGuard:
    """Refuses a string or number without end: the parser holds a token in memory until it ends."""

    def __init__(self, stream: BinaryIO, largest: int, name: str):
        self._stream = stream
        self._largest = largest
        self._name = name
        self._since = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes for the parser."""
        data = self._stream.read(size)
        self._since += len(data)
        if self._since > self._largest + (1 << 17):
            raise ImportRefused(f"{self._name}: one value is larger than {self._largest >> 20} MiB; split it")
        return data

    def token_ended(self) -> None:
        """The parser has let go of what it held."""
        self._since = 0


class TopLevel:
    """What stands outside the entries: the resource type, depth, and keys named twice."""

    def __init__(self, name: str):
        self._name = name
        self._depth = 0
        self._key = ""
        self._keys: set[str] = set()
        self.kind = ""
        self.type = ""

    def take(self, event: str, value: Any) -> bool:
        """One event of the parser; True where an entry begins."""
        if event in ("start_map", "start_array"):
            self._depth += 1
            if self._depth > DEEPEST + 2:
                raise ImportRefused(f"{self._name}: nested deeper than {DEEPEST} levels")
            return event == "start_map" and self._depth == 3 and self._key == "entry"
        if event in ("end_map", "end_array"):
            self._depth -= 1
        elif self._depth == 1 and event == "map_key":
            self._take_key(value)
        elif self._depth == 1 and self._key == "resourceType" and isinstance(value, str):
            self.kind = value
        elif self._depth == 1 and self._key == "type" and isinstance(value, str):
            self.type = value
        return False

    def _take_key(self, key: str) -> None:
        if key in self._keys:
            raise ImportRefused(f"{self._name}: an object names one key twice; ask for a valid export")
        self._keys.add(key)
        self._key = key


class _Builder:
    """Builds one JSON value from events."""

    def __init__(self, name: str, largest: int):
        self._name = name
        self._left = largest
        self._stack: list[Any] = []
        self._keys: list[str | None] = []
        self.value: Any = None
        self.done = False

    def take(self, event: str, value: Any) -> None:
        """One event of the parser. Raises ImportRefused."""
        self._left -= 1 + (len(value) if isinstance(value, str) else 8)
        if self._left < 0:
            raise ImportRefused(f"{self._name}: one entry is too large; split the bundle")
        if event == "map_key":
            if value in self._stack[-1]:
                raise ImportRefused(f"{self._name}: an object names one key twice; ask for a valid export")
            self._keys[-1] = storable_text(value)
        elif event in ("start_map", "start_array"):
            self._stack.append({} if event == "start_map" else [])
            self._keys.append(None)
        elif event in ("end_map", "end_array"):
            self._keys.pop()
            self._put(self._stack.pop())
        else:
            self._put(self._plain(value))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, str):
            return storable_text(value)
        number = float(value) if isinstance(value, Decimal) else value
        if isinstance(number, float) and not math.isfinite(number):
            raise ImportRefused(f"{self._name}: it holds a number too large to be a measurement")
        return number

    def _put(self, value: Any) -> None:
        if not self._stack:
            self.value, self.done = value, True
        elif isinstance(self._stack[-1], list):
            self._stack[-1].append(value)
        else:
            self._stack[-1][self._keys[-1]] = value
