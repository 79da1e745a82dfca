"""Locks the window when the machine goes to sleep: told by the system (logind), else seen at waking.

A machine that slept has lost time between two clocks, one of which stands still meanwhile. Both are
given, so that tests can turn them.
"""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import SLOT, QObject, QTimer, Signal, Slot

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusConnection

LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
ASLEEP_S = 2.0


class SuspendLock(QObject):
    """Emits `asleep` before the machine sleeps where the system says so, and at waking in any case."""

    asleep = Signal()

    def __init__(self, *, lasting: Callable[[], float], awake: Callable[[], float]) -> None:
        """`lasting` goes on while the machine sleeps, `awake` stands still; both in seconds."""
        super().__init__()
        self._lasting, self._awake = lasting, awake
        self._lost = self._difference()
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self.check)

    def listen(self, bus: "QDBusConnection") -> bool:
        """Hear of a sleep before it begins; False where the system has nobody who tells."""
        slot: Any = SLOT("prepare(bool)")  # the stub asks for bytes, the binding for text
        return bus.isConnected() and bus.connect(*LOGIND, "PrepareForSleep", self, slot)

    def listen_to_the_system(self) -> bool:
        """The same on the system's own bus, which Linux alone has."""
        if sys.platform != "linux":
            return False
        from PySide6.QtDBus import QDBusConnection

        return self.listen(QDBusConnection.systemBus())

    def start(self) -> None:
        """Begin to watch."""
        self._lost = self._difference()
        self._timer.start()

    def stop(self) -> None:
        """Stop watching; what the system tells is heard all the same, and does nothing to a locked window."""
        self._timer.stop()

    def check(self) -> None:
        """Compare the clocks."""
        before, self._lost = self._lost, self._difference()
        if self._lost - before >= ASLEEP_S:
            self.asleep.emit()

    @Slot(bool)
    def prepare(self, going: bool) -> None:
        """The system is about to sleep (true), or has woken (false)."""
        if going:
            self.asleep.emit()

    def _difference(self) -> float:
        return self._lasting() - self._awake()


def awake_clock() -> float:
    """Seconds since some moment; on Linux those spent asleep do not count."""
    return time.monotonic()
