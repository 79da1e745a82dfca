"""The time, as an argument: a callable that gives ISO 8601 UTC."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], str]


def system_clock() -> str:
    """Now, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
