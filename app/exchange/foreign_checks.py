"""Parses foreign files other than records: what crashes or bloats a parser does so in the reader."""

from collections.abc import Callable
from pathlib import Path

from knowledge_graph.sources.pack_reading import read_pack
from ml.federated.base_file import read_base
from ml.federated.envelope import read_envelope
from ml.federated.package import UPDATE_MAGIC, unpack
from ml.federated.payload import read_payload
from ml.federated.statement import UpdateStatement, read_statement

PACK, BASE, UPDATE = "pack", "base", "update"


def check(kind: str, content: Path | bytes) -> None:
    """Parse it whole. Raises KnowledgeError, MlError."""
    _CHECKS[kind](content)


def _pack(content: Path | bytes) -> None:
    """A knowledge pack: a file, or a folder of one."""
    assert isinstance(content, Path)
    read_pack(content)


def _base(content: Path | bytes) -> None:
    """A coordinator's base; its signature is checked where it is used."""
    assert isinstance(content, bytes)
    read_base(content, coordinator_key=None)


def _update(content: Path | bytes) -> None:
    """A site's update, unsealed; its signatures are checked where it is used."""
    assert isinstance(content, bytes)
    envelope, payload = unpack(UPDATE_MAGIC, content)
    read_statement(read_envelope(envelope).payload, UpdateStatement)
    read_payload(payload)


_CHECKS: dict[str, Callable[[Path | bytes], None]] = {PACK: _pack, BASE: _base, UPDATE: _update}
