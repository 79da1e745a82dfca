"""The time, as an argument: a callable that gives ISO 8601 UTC; and seconds that nobody sets back."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], str]


def system_clock() -> str:
    """Now, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lasting_clock() -> float:
    """Seconds since the machine started, those spent asleep included where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()
