"""Reads whatever lies below a path, and holds each record and each line to what every reader promises."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from app.errors import ImportRefused
from app.exchange.item import ImportedItem, ReadLimits
from app.exchange.reader import ReadPlan, learn, read_records
from app.exchange.source_file import SourceFile, source_files
from tests.app.exchange.hostile_seeds import CANARY

SMALL = ReadLimits(largest_document=20_000, largest_unpacked=200_000, most_members=50)


def outcome(path: Path, limits: ReadLimits | None = None) -> tuple[list[ImportedItem], list[str]]:
    """(items, refusals) of everything below a path; each record is storable, no line holds content."""
    plan = ReadPlan(limits=limits or ReadLimits())
    items: list[ImportedItem] = []
    refused: list[str] = []
    for file in _found(path, plan.limits, refused):
        try:
            list(learn(file, plan))
            items += read_records(file, plan)
        except ImportRefused as error:
            refused.append(str(error))
    for item in items:
        for record in item.records:
            assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record
    for line in [*refused, *(i.skipped for i in items), *(r for i in items for r in i.remarks)]:
        assert "\n" not in line
        assert CANARY not in line
    return items, refused


def _found(path: Path, limits: ReadLimits, refused: list[str]) -> Iterator[SourceFile]:
    try:
        yield from source_files([path], limits)
    except ImportRefused as error:
        refused.append(str(error))


def records(items: list[ImportedItem], kind: type) -> list[Any]:
    return [r for item in items for r in item.records if isinstance(r, kind)]


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path
