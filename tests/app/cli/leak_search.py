"""Two hundred canaries, and the search for them in bytes: plain, UTF-16, hexadecimal, base64, compressed."""

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

PATIENTS = 24
TAIL = "quinquagesima"  # in every canary but the passphrases; it stands nowhere else
SECRET, SECOND = "zyzzogeton canary passphrase", "wrong quizzacious passphrase"
OFFICER = "officer xylographical passphrase"
PARTS = "abcde"
_COMPRESSED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_MOST_UNPACKED = 8 << 20


def canaries() -> list[str]:
    """Words of names, record numbers, streets and notes, and one of each passphrase."""
    kinds = ("Nomen", "Prae", "MRN", "Vico")
    words = [f"{kind}{number:02d}{TAIL}" for number in range(PATIENTS) for kind in kinds]
    words += [f"Verbum{number:02d}{part}{TAIL}" for number in range(PATIENTS) for part in PARTS]
    return [*words, SECRET.split()[0], SECOND.split()[1], OFFICER.split()[1]]


def is_number(word: str) -> bool:
    """Record numbers are ids: they stand in an audit log by design, everything else never does."""
    return word.startswith("MRN")


def found_in(data: bytes, words: list[str]) -> list[str]:
    """The words that some bytes hold in any form, also inside what is compressed in them."""
    found = {word for part in (data, *unpacked(data)) for word in _found(part, words)}
    return sorted(found)


def forms(word: str) -> Iterator[bytes]:
    """A word as lower-case bytes: UTF-8, UTF-16, hexadecimal, base64 at each of its three alignments."""
    small = word.casefold()
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        yield small.encode(encoding)
    yield word.encode("utf-8").hex().encode()
    for shift in range(3):  # a word of ten letters or more, so that no random bytes look like it
        whole = base64.b64encode(b"\0" * shift + word.encode("utf-8"))
        yield whole[4 if shift else 0 : -4].lower()


def unpacked(data: bytes) -> Iterator[bytes]:
    """Whatever zlib or gzip streams there are anywhere in some bytes."""
    for start in _COMPRESSED.finditer(data):
        stream = zlib.decompressobj(wbits=47)
        try:
            yield stream.decompress(data[start.start() :], _MOST_UNPACKED)
        except zlib.error:
            continue


def files_below(*folders: Path) -> Iterator[Path]:
    """Regular files."""
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _found(data: bytes, words: list[str]) -> list[str]:
    lowered = data.lower()
    stems = {TAIL if TAIL in word else word for word in words}
    if not any(form in lowered for stem in stems for form in forms(stem)):
        return []
    return [word for word in words if any(form in lowered for form in forms(word))] or ["part of one"]
