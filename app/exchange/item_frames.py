"""Imported items as msgpack, for the pipe between a reader of foreign files and the program.

The program's side believes no byte: each record must decode strictly as one of the clinical nouns,
and each line that a person will read is cut to one printable line.
"""

from typing import Any, get_args

import msgspec

from app.clinical.chart import ClinicalRecord
from app.exchange.item import ImportedItem

LONGEST_LINE = 600
_NOUNS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    noun.__name__: msgspec.msgpack.Decoder(noun) for noun in get_args(ClinicalRecord)
}


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    """An ImportedItem, its records each as (noun, msgpack)."""

    kind: str
    place: str
    records: tuple[tuple[str, msgspec.Raw], ...]
    skipped: str
    remarks: tuple[str, ...]
    unread: tuple[str, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


def pack_item(item: ImportedItem) -> bytes:
    """An item to msgpack."""
    records = tuple((type(record).__name__, msgspec.Raw(_encoder.encode(record))) for record in item.records)
    return _encoder.encode(_Packed(item.kind, item.place, records, item.skipped, item.remarks, item.unread))


def unpack_item(data: bytes) -> ImportedItem:
    """An item from msgpack. Raises msgspec.MsgspecError for anything else, KeyError for another noun."""
    item = _decoder.decode(data)
    return ImportedItem(
        one_line(item.kind),
        one_line(item.place),
        tuple(_NOUNS[noun].decode(body) for noun, body in item.records),
        one_line(item.skipped),
        tuple(map(one_line, item.remarks)),
        tuple(map(one_line, item.unread)),
    )


def one_line(text: str) -> str:
    """Text as one printable line of bounded length."""
    shown = text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)
    return shown[:LONGEST_LINE]
