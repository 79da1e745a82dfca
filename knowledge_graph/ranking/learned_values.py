"""The form in which learned weights ship: TOML numbers behind their own SHA-256, with their origin."""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence


def numbers_from(text: str, names: Sequence[str], *, file: str) -> dict[str, float]:
    """The named numbers, their hash checked. A file edited by hand is our fault: ValueError."""
    found = tomllib.loads(text)
    numbers = {name: float(found[name]) for name in names}
    if found.get("sha256") != numbers_hash(numbers):
        raise ValueError(f"{file} does not match its sha256; rebuild it by the command in it")
    return numbers


def numbers_hash(numbers: Mapping[str, float]) -> str:
    """The hash that names these numbers, as they are written."""
    return hashlib.sha256(_lines(numbers).encode()).hexdigest()


def text_of(numbers: Mapping[str, float], remarks: str) -> str:
    """As TOML, with remarks (comment lines without #) on where they come from."""
    comment = "".join(f"# {line}\n" for line in remarks.splitlines())
    return f'{comment}{_lines(numbers)}sha256 = "{numbers_hash(numbers)}"\n'


def _lines(numbers: Mapping[str, float]) -> str:
    return "".join(f"{name} = {value:.4f}\n" for name, value in numbers.items())
