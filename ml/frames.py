"""Length-prefixed msgpack frames: how two of our processes talk over a pipe.

A frame is 4 bytes of big-endian length, then one msgpack map with string keys. Parent and
child are the same program, so the format carries no version.
"""

import struct
from typing import Any, BinaryIO

import msgspec

from ml.errors import MlError

# What msgspec raises for bytes that are not of a type; text that is no UTF-8 is a ValueError of Python's own.
UNDECODABLE = (msgspec.MsgspecError, ValueError, RecursionError)
MAX_FRAME_BYTES = 1 << 30
_LENGTH = struct.Struct(">I")


def write_frame(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Write one message and flush."""
    body = msgspec.msgpack.encode(message)
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def read_frame(stream: BinaryIO, largest: int = MAX_FRAME_BYTES) -> dict[str, Any] | None:
    """Read one message; None at the end of the stream. Raises MlError on a cut or too large frame."""
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise MlError("a worker process ended in the middle of a message; start the job again")
    (length,) = _LENGTH.unpack(head)
    if length > largest:
        raise MlError("a worker process sent an oversized message; start the job again")
    body = stream.read(length)
    if len(body) < length:
        raise MlError("a worker process ended in the middle of a message; start the job again")
    try:
        message: dict[str, Any] = msgspec.msgpack.decode(body, type=dict[str, Any])
    except UNDECODABLE:
        raise MlError("a worker process sent a damaged message; start the job again") from None
    return message
