"""Reads a hand-made file through both passes, as an import would, without a vault."""

import json
from pathlib import Path
from typing import Any

from app.exchange.item import ImportedItem, ReadLimits
from app.exchange.reader import ReadPlan, learn, read_records
from app.exchange.source_file import source_files

Json = dict[str, Any]
ADA: Json = {
    "resourceType": "Patient",
    "id": "p",
    "identifier": [{"system": "urn:h", "value": "7"}],
    "name": [{"family": "Sample", "given": ["Ada"]}],
    "gender": "female",
    "birthDate": "1990-02-03",
}
HERS = {"subject": {"reference": "Patient/p"}}


def bundle(*resources: Json, kind: str = "collection") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": r} for r in resources]}


def write(path: Path, value: Any) -> Path:
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    return path


def read_all(*paths: Path, **options: Any) -> list[ImportedItem]:
    """Every item of these files, as one import."""
    plan = ReadPlan(**options)
    files = list(source_files(paths, ReadLimits()))
    for file in files:
        list(learn(file, plan))
    return [item for file in files for item in read_records(file, plan)]


def nouns(items: list[ImportedItem], kind: type) -> list[Any]:
    return [r for item in items for r in item.records if isinstance(r, kind)]
