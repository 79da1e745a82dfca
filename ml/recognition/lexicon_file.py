"""A built lexicon as bytes behind a SHA-256: a cache that is read in a fraction of the building time."""

import hashlib

import msgspec

from ml.recognition.lexicon import Entry, Lexicon

_DIGEST = 32


class _Content(msgspec.Struct, array_like=True):
    names: dict[str, Entry]
    loose: dict[str, Entry]
    capitals: dict[str, Entry]


def lexicon_to_bytes(lexicon: Lexicon) -> bytes:
    """The lexicon, with its checksum in front."""
    content = _Content(*lexicon.tables())
    body = msgspec.msgpack.encode(content)
    return hashlib.sha256(body).digest() + body


def lexicon_from_bytes(data: bytes) -> Lexicon | None:
    """The lexicon, or None where the bytes are damaged or of another layout."""
    body = memoryview(data)[_DIGEST:]
    if hashlib.sha256(body).digest() != data[:_DIGEST]:
        return None
    try:
        content = msgspec.msgpack.decode(body, type=_Content)
    except msgspec.MsgspecError:
        return None
    return Lexicon(content.names, content.loose, content.capitals)
