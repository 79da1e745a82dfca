"""Opens plain, gzip and zip-member bytes within bounds; whatever is damaged becomes one ImportRefused."""

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from app.errors import ImportRefused
from app.exchange.item import ReadLimits

_GZIP = b"\x1f\x8b"
_SMALL = 1_000_000  # below this a high ratio harms nobody
# What the standard library raises for damaged packing; zipfile also trips over names, sizes and offsets.
DAMAGE = (
    *(EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError),
    *(ValueError, LookupError, ArithmeticError, struct.error),
)


def open_file(path: Path, *, name: str, limits: ReadLimits) -> BinaryIO:
    """The bytes of a file, unzipped where it is gzip. Raises ImportRefused, also while being read."""
    try:
        stream = path.open("rb")
        head = stream.read(2)
        stream.seek(0)
        size = path.stat().st_size
    except OSError as error:
        remedy = "name a file" if isinstance(error, IsADirectoryError) else "check the file's name and rights"
        raise ImportRefused(f"{name}: cannot be read ({error.strerror}); {remedy}") from error
    return _gunzipped(stream, size, name=name, limits=limits) if head == _GZIP else stream


def open_member(archive: zipfile.ZipFile, member: str, *, name: str, limits: ReadLimits) -> BinaryIO:
    """The bytes of a zip member, unzipped once more where it is gzip. Raises ImportRefused."""
    try:
        with archive.open(member) as stream:
            data = stream.read(limits.largest_document + 1)
    except DAMAGE as error:
        raise ImportRefused(
            f"{name}: damaged, or packed in a way this program can't read; pack it anew"
        ) from error
    if len(data) > limits.largest_document:
        raise ImportRefused(f"{name}: larger than {limits.largest_document >> 20} MiB; unpack it")
    whole = io.BytesIO(data)
    return _gunzipped(whole, len(data), name=name, limits=limits) if data[:2] == _GZIP else whole


def _gunzipped(stream: BinaryIO, packed: int, *, name: str, limits: ReadLimits) -> BinaryIO:
    most = min(limits.largest_unpacked, max(_SMALL, limits.largest_ratio * packed))
    return io.BufferedReader(_Unpacked(stream, most, name), 1 << 18)


class _Unpacked(io.RawIOBase):
    """A gzip stream that stops with ImportRefused where it is damaged or grows too large."""

    def __init__(self, packed: BinaryIO, most: int, name: str):
        self._packed = packed
        self._stream = gzip.GzipFile(fileobj=packed)
        self._left = most
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._stream.read(len(buffer))
        except DAMAGE as error:
            raise ImportRefused(
                f"{self._name}: the compressed file is cut or damaged; send it again"
            ) from error
        self._left -= len(data)
        if self._left < 0:
            raise ImportRefused(f"{self._name}: packed too tightly to be a record; don't trust this file")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._packed.close()
        super().close()
