"""Unfolds bundles: entries in order, bundles and parameters within them too, of a history the newest."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
DELETED = "a request to delete: an import deletes nothing; withdraw the record in the program if it is wrong"
OLDER = "an older version of a record of this history; the newest one counts"
NO_RESOURCE = "no FHIR resource"
NOTHING_SENT = "an answer without a resource"


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource, where it stands, its full URL, and why it must not be read (or empty)."""

    place: str
    resource: Json
    full_url: str = ""
    problem: str = ""


def unfolded(
    entries: Iterable[Any], word: str, *, within: str = "", kind: Callable[[], str] = lambda: ""
) -> Iterator[Entry]:
    """Every resource of a bundle's entries; `kind` tells the bundle's type once it is known."""
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        place = ", ".join(filter(None, (within, f"{word} {number}" if word else ""))) or "resource"
        found = _entry(entry, place)
        if kind() == "history":
            found = _of_history(found, entry, seen)
        inner = None if found.problem else _inner(found.resource)
        if inner is None:
            yield found
        else:
            yield from unfolded(
                inner[1], inner[0], within=place if word or within else "", kind=_type_of(found)
            )


def _entry(entry: Any, place: str) -> Entry:
    if not isinstance(entry, dict):
        return Entry(place, {}, problem=NO_RESOURCE)
    request, resource, url = entry.get("request"), entry.get("resource"), entry.get("fullUrl")
    full_url = url if isinstance(url, str) else ""
    method = request.get("method") if isinstance(request, dict) else ""
    if method == "DELETE":
        kept = resource if isinstance(resource, dict) else {}
        return Entry(place, kept, full_url, DELETED)
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return Entry(place, {}, full_url, NOTHING_SENT if resource is None else NO_RESOURCE)
    return Entry(place, resource, full_url)


def _of_history(found: Entry, entry: Any, seen: set[str]) -> Entry:
    """Entries of a history come newest first (FHIR R4, 3.1.0.11)."""
    own, kind = found.resource.get("id"), found.resource.get("resourceType")
    named = f"{kind}/{own}" if own else "/".join(found.full_url.split("/")[-2:])
    request = entry.get("request") if isinstance(entry, dict) else None
    url = request.get("url") if isinstance(request, dict) else None
    if found.problem == DELETED and isinstance(url, str):
        named = "/".join(url.split("?")[0].split("/_history")[0].split("/")[-2:])
    if named and named in seen:
        return Entry(found.place, found.resource, found.full_url, OLDER)
    seen.add(named)
    return found


def _type_of(found: Entry) -> Callable[[], str]:
    kind = found.resource.get("type")
    return lambda: kind if isinstance(kind, str) else ""


def _inner(resource: Json) -> tuple[str, list[Any]] | None:
    """(word for a place, entries) of a resource that only wraps others."""
    if resource["resourceType"] == "Bundle":
        entries = resource.get("entry", [])
        return ("entry", entries) if isinstance(entries, list) else None
    if resource["resourceType"] == "Parameters":
        parts = resource.get("parameter", [])
        wrapped = (
            [p for p in parts if isinstance(p, dict) and "resource" in p] if isinstance(parts, list) else []
        )
        return ("parameter", wrapped) if wrapped else None
    return None
