"""The resources of a FHIR file one by one: a bundle, a single resource, or NDJSON.

Files up to the limit of one document are parsed whole by the strict loader; a larger bundle is
streamed entry by entry, so that memory stays bounded by its largest entry.
"""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from app.errors import ImportRefused
from app.exchange.fhir_version import check_is_r4
from app.exchange.item import ReadLimits
from app.exchange.strict_json import DEEPEST, load_json

Json = dict[str, Any]
Opener = Callable[[], BinaryIO]
BUNDLE_TYPES = ("transaction", "batch", "document", "collection", "searchset", "message", "history")


@dataclass(frozen=True, slots=True)
class PlacedResource:
    """A resource, where it stands, and the URL that a bundle gives it."""

    place: str
    resource: Json
    full_url: str = ""


def open_plain_or_gzip(path: Path) -> BinaryIO:
    """The bytes of a file, unzipped where it is gzip."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value]


def resources_of(opener: Opener, *, name: str, limits: ReadLimits) -> Iterator[PlacedResource]:
    """All resources of a FHIR JSON or NDJSON file. Raises ImportRefused."""
    try:
        with opener() as stream:
            head = stream.read(limits.largest_document + 1)
        if len(head) <= limits.largest_document:
            yield from _whole(head, name=name, limits=limits)
            return
        with opener() as stream:
            yield from _large(stream, head[:4096], name=name, limits=limits)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ImportRefused(f"{name}: the compressed file is cut or damaged; send it again") from error


def looks_like_ndjson(data: bytes) -> bool:
    """Whether the first line is a whole JSON object and more follows."""
    first, _, rest = data.lstrip(b"\xef\xbb\xbf \r\n\t").partition(b"\n")
    return first.strip().startswith(b"{") and first.strip().endswith(b"}") and bool(rest.strip())


def _whole(data: bytes, *, name: str, limits: ReadLimits) -> Iterator[PlacedResource]:
    if not data.strip(b"\xef\xbb\xbf \r\n\t"):
        raise ImportRefused(f"{name}: the file is empty; export it again")
    if looks_like_ndjson(data):
        yield from _lines(io.BytesIO(data), name=name, limits=limits)
        return
    value = load_json(data, name=name, largest=limits.largest_document)
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise ImportRefused(f"{name}: this JSON is no FHIR resource (it has no resourceType)")
    check_is_r4(value, name=name)
    if value["resourceType"] != "Bundle":
        yield PlacedResource("resource", value)
        return
    entries = value.get("entry", [])
    if not isinstance(entries, list):
        raise ImportRefused(f"{name}: the bundle's entry is not a list; export it again")
    for number, entry in enumerate(entries):
        yield from _entry(entry, number, name)


def _large(stream: BinaryIO, head: bytes, *, name: str, limits: ReadLimits) -> Iterator[PlacedResource]:
    if looks_like_ndjson(head):
        yield from _lines(stream, name=name, limits=limits)
        return
    try:
        for number, entry in enumerate(_streamed_entries(stream, name, limits)):
            yield from _entry(entry, number, name)
    except ijson.JSONError as error:
        raise ImportRefused(f"{name}: not valid JSON or cut short; export it again") from error


def _lines(stream: BinaryIO, *, name: str, limits: ReadLimits) -> Iterator[PlacedResource]:
    number = 0
    while line := stream.readline(limits.largest_document + 1):
        number += 1
        if not line.strip():
            continue
        value = load_json(line, name=f"{name}, line {number}", largest=limits.largest_document)
        if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
            raise ImportRefused(f"{name}, line {number}: no FHIR resource (it has no resourceType)")
        check_is_r4(value, name=f"{name}, line {number}")
        yield PlacedResource(f"line {number}", value)


def _entry(entry: Any, number: int, name: str) -> Iterator[PlacedResource]:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        yield PlacedResource(f"entry {number}", {"resourceType": ""})
        return
    check_is_r4(resource, name=f"{name}, entry {number}")
    full_url = entry.get("fullUrl")
    yield PlacedResource(f"entry {number}", resource, full_url if isinstance(full_url, str) else "")


def _streamed_entries(stream: BinaryIO, name: str, limits: ReadLimits) -> Iterator[Any]:
    """Values of `entry.item`, built event by event so that duplicate keys and depth are seen."""
    builder: _Builder | None = None
    for prefix, event, value in ijson.parse(stream):
        if builder is None and prefix == "entry.item" and event == "start_map":
            builder = _Builder(name, limits.largest_document)
        if builder is not None:
            builder.take(event, value)
            if builder.done:
                yield builder.value
                builder = None


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
        self._left -= 1 + (len(value) if isinstance(value, str) else 8)
        if self._left < 0:
            raise ImportRefused(f"{self._name}: one entry is too large; split the bundle")
        if event == "map_key":
            if value in self._stack[-1]:
                raise ImportRefused(f"{self._name}: an object names one key twice; ask for a valid export")
            self._keys[-1] = value
        elif event in ("start_map", "start_array"):
            if len(self._stack) >= DEEPEST:
                raise ImportRefused(f"{self._name}: nested deeper than {DEEPEST} levels")
            self._stack.append({} if event == "start_map" else [])
            self._keys.append(None)
        elif event in ("end_map", "end_array"):
            self._keys.pop()
            self._put(self._stack.pop())
        else:
            self._put(float(value) if isinstance(value, Decimal) else value)

    def _put(self, value: Any) -> None:
        if not self._stack:
            self.value, self.done = value, True
        elif isinstance(self._stack[-1], list):
            self._stack[-1].append(value)
        else:
            self._stack[-1][self._keys[-1]] = value
