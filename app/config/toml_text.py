"""TOML that people write by hand (the policy, a column map): bounded, and refused in one line."""

import tomllib
from pathlib import Path
from typing import Any

LARGEST_BYTES = 1 << 20
_LONGEST = 300


def read_small_text(path: Path, *, largest: int = LARGEST_BYTES) -> str:
    """A file's text. Raises OSError; ValueError where it is no UTF-8, or larger."""
    with path.open("rb") as stream:
        data = stream.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"it is larger than {largest >> 10} KiB")
    return data.decode("utf-8-sig")


def parse_toml(text: str) -> dict[str, Any]:
    """A file's tables. Raises ValueError, whatever is wrong."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it nests too deeply") from None


def in_one_line(error: Exception) -> str:
    """What an error says, printable and short: keys and values of a file may hold anything."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(error))[:_LONGEST]
