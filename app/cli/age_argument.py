"""The option that says how old the patient is."""

import argparse

from app.clinical.age import iso_duration_days
from app.errors import UsageError

OLDEST_DAYS = 130 * 366


def add_age_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--age`."""
    parser.add_argument("--age", metavar="P33Y", help="age as an ISO 8601 duration")


def read_age(text: str | None) -> int | None:
    """Days, or None where none is given. Raises UsageError."""
    days = iso_duration_days(text or "")
    if text and days is None:
        raise UsageError(f"{text!r} is not an ISO 8601 duration such as P33Y or P6M")
    if days is not None and days > OLDEST_DAYS:
        raise UsageError(f"{text!r} is older than anybody; check the age")
    return days
