"""Locks the window after a time without keyboard or mouse; the clock is given, so tests can turn it."""

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal

_ACTIVITY = {
    QEvent.Type.KeyPress,
    QEvent.Type.MouseButtonPress,
    QEvent.Type.MouseMove,
    QEvent.Type.Wheel,
    QEvent.Type.TouchBegin,
}


class IdleLock(QObject):
    """Emits `idle` once the given seconds have passed without an event from the user."""

    idle = Signal()

    def __init__(self, *, limit_s: float, clock: Callable[[], float]) -> None:
        super().__init__()
        self._limit_s = limit_s
        self._clock = clock
        self._last = clock()
        self._timer = QTimer(self, interval=1000)
        self._timer.timeout.connect(self.check)

    def start(self) -> None:
        """Begin to watch."""
        self._last = self._clock()
        app = QCoreApplication.instance()
        assert app is not None
        app.installEventFilter(self)
        self._timer.start()

    def stop(self) -> None:
        """Stop watching."""
        self._timer.stop()
        app = QCoreApplication.instance()
        if app is not None:
            app.removeEventFilter(self)

    def check(self) -> None:
        """Compare the clock with the last activity."""
        if self._clock() - self._last >= self._limit_s:
            self.stop()
            self.idle.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note activity; let every event pass."""
        if event.type() in _ACTIVITY:
            self._last = self._clock()
        return False
