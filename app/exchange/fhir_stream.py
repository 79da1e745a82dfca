"""The resources of a FHIR file one by one: a bundle, a single resource, a list of either, or NDJSON.

Files up to the limit of one document are parsed whole by the strict loader; a larger bundle is
streamed entry by entry, so that memory stays bounded by its largest entry. A line or entry that
can't be read is placed with its problem, and the others go on.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from app.errors import ImportRefused
from app.exchange.fhir_bundle import unfolded
from app.exchange.fhir_version import check_is_r4
from app.exchange.huge_bundle import TopLevel, streamed_entries
from app.exchange.item import ReadLimits
from app.exchange.strict_json import load_json

Json = dict[str, Any]
Opener = Callable[[], BinaryIO]
_BLANK = b"\xef\xbb\xbf \r\n\t"


@dataclass(frozen=True, slots=True)
class PlacedResource:
    """A resource, where it stands, the URL that a bundle gives it, and why it can't be read (or empty).

    `also` are names that other resources of its file use for it; `remark` is what was doubtful in reading it.
    """

    place: str
    resource: Json
    full_url: str = ""
    problem: str = ""
    also: tuple[str, ...] = ()
    remark: str = ""


def is_small(opener: Opener, limits: ReadLimits) -> bool:
    """Whether a file is parsed whole."""
    with opener() as stream:
        return len(stream.read(limits.largest_document + 1)) <= limits.largest_document


def resources_of(opener: Opener, *, name: str, limits: ReadLimits) -> Iterator[PlacedResource]:
    """All resources of a FHIR JSON or NDJSON file. Raises ImportRefused."""
    with opener() as stream:
        head = stream.read(limits.largest_document + 1)
    if len(head) <= limits.largest_document:
        yield from _whole(head, name=name, limits=limits)
        return
    with opener() as stream:
        if looks_like_ndjson(head[:65536], name=name):
            yield from _lines(stream, name=name, limits=limits)
            return
        top = TopLevel(name)
        entries = streamed_entries(stream, top, name=name, limits=limits)
        yield from _placed(entries, "entry", name=name, kind=lambda: top.type)


def looks_like_ndjson(data: bytes, *, name: str = "") -> bool:
    """Whether the file's name says so, or the first line is a whole JSON object and more follows."""
    if name.casefold().removesuffix(".gz").endswith((".ndjson", ".jsonl")):
        return True
    first, _, rest = data.lstrip(_BLANK).partition(b"\n")
    return first.strip().startswith(b"{") and first.strip().endswith(b"}") and bool(rest.strip())


def json_lines(stream: BinaryIO, *, name: str, limits: ReadLimits) -> Iterator[tuple[int, Any, str]]:
    """(line number, value, problem) of each line that is not blank; memory is bounded by a line's limit."""
    number = 0
    while line := stream.readline(limits.largest_document + 1):
        number += 1
        whole = line
        while len(line) > limits.largest_document and not line.endswith(b"\n"):
            line = stream.readline(limits.largest_document + 1)  # the rest of a line that is too long
        if whole.strip(_BLANK):
            yield number, *_loaded(whole, number, name=name, limits=limits)


def _loaded(line: bytes, number: int, *, name: str, limits: ReadLimits) -> tuple[Any, str]:
    place = f"{name}, line {number}"
    try:
        return load_json(line, name=place, largest=limits.largest_document), ""
    except ImportRefused as refused:
        return None, str(refused).removeprefix(f"{place}: ")


def _whole(data: bytes, *, name: str, limits: ReadLimits) -> Iterator[PlacedResource]:
    if not data.strip(_BLANK):
        raise ImportRefused(f"{name}: the file is empty; export it again")
    if looks_like_ndjson(data, name=name):
        yield from _lines(io.BytesIO(data), name=name, limits=limits)
        return
    value = load_json(data, name=name, largest=limits.largest_document)
    if isinstance(value, list) and any(_is_resource(v) for v in value):
        yield from _placed(({"resource": v} for v in value), "item", name=name)
        return
    if not _is_resource(value):
        raise ImportRefused(
            f"{name}: this JSON is no FHIR resource (it has no resourceType); export it as FHIR R4"
        )
    check_is_r4(value, name=name)
    if value["resourceType"] == "Bundle" and not isinstance(value.get("entry", []), list):
        raise ImportRefused(f"{name}: the bundle's entry is not a list; export it again")
    yield from _placed([{"resource": value}], "", name=name)


def _lines(stream: BinaryIO, *, name: str, limits: ReadLimits) -> Iterator[PlacedResource]:
    read = refused = 0
    for number, value, problem in json_lines(stream, name=name, limits=limits):
        place = f"line {number}"
        if problem or not _is_resource(value):
            refused += 1
            reason = problem or "no FHIR resource (it has no resourceType)"
            yield PlacedResource(place, {"resourceType": ""}, problem=reason)
            continue
        read += 1
        yield from _placed([{"resource": value}], "", name=name, within=place)
    if not read:
        raise ImportRefused(f"{name}: none of its {refused} lines is a FHIR resource; export it again")


def _placed(
    entries: Iterable[Any],
    word: str,
    *,
    name: str,
    within: str = "",
    kind: Callable[[], str] = lambda: "",
) -> Iterator[PlacedResource]:
    """Entries with their place, bundles within them unfolded; checked to be R4."""
    for entry in unfolded(entries, word, within=within, kind=kind):
        if not entry.problem:
            check_is_r4(entry.resource, name=f"{name}, {entry.place}" if word or within else name)
        resource = {"resourceType": ""} if entry.problem and not entry.resource else entry.resource
        yield PlacedResource(entry.place, resource, entry.full_url, entry.problem)


def _is_resource(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)
