"""Parses foreign files other than records: what crashes or bloats a parser does so in the reader."""

import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.exchange.foreign_kind import BASE, PACK, RULES, TOML, TRUST, UPDATE
from knowledge_graph.rules.rule_file import read_rules
from knowledge_graph.sources.pack_reading import read_pack
from ml.errors import MlError
from ml.federated.base_file import read_base
from ml.federated.envelope import read_envelope
from ml.federated.package import UPDATE_MAGIC, unpack
from ml.federated.payload import read_payload
from ml.federated.statement import UpdateStatement, read_statement
from ml.federated.trust_file import read_trust

LARGEST_TEXT = 4 << 20


def check(kind: str, content: Path | bytes) -> None:
    """Parse it whole. Raises KnowledgeError, MlError; what can't be read at all is said by who uses it."""
    with suppress(OSError):
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


def _rules(content: Path | bytes) -> None:
    """A hospital's rules; what is wrong with them is said where they are used, with its line."""
    read_rules(_text(content), origin="")


def _trust(content: Path | bytes) -> None:
    """Whose updates a coordinator takes."""
    with suppress(MlError):
        read_trust(_text(content))


def _toml(content: Path | bytes) -> None:
    """Any other TOML file that someone named."""
    with suppress(ValueError, RecursionError):
        tomllib.loads(_text(content))


def _text(content: Path | bytes) -> str:
    assert isinstance(content, Path)
    with content.open("rb") as stream:
        return stream.read(LARGEST_TEXT).decode("utf-8-sig", "replace")


_CHECKS: dict[str, Callable[[Path | bytes], None]] = {
    PACK: _pack,
    BASE: _base,
    UPDATE: _update,
    RULES: _rules,
    TRUST: _trust,
    TOML: _toml,
}
