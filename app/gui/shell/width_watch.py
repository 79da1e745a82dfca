"""Tells a page when there is little room, so that it can lay itself out for a small window."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QBoxLayout, QWidget

from app.gui.theme.look import Look


class WidthWatch(QObject):
    """Calls `tell` with the widget's width, or height, in pixels at 100 % text.

    It does so at each resize and change of scale.
    """

    def __init__(
        self, widget: QWidget, look: Look, tell: Callable[[float], object], *, height: bool = False
    ) -> None:
        super().__init__(widget)
        self._widget = widget
        self._length = widget.height if height else widget.width
        self._look = look
        self._tell = tell
        widget.installEventFilter(self)
        look.changed.connect(self._measure)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Measure when the widget is resized; let every event pass."""
        if event.type() == QEvent.Type.Resize and watched is self._widget:
            self._measure()
        return False

    def _measure(self) -> None:
        self._tell(self._length() * 100 / self._look.percent)


def turn(parts: QBoxLayout, *, beside: bool) -> None:
    """Side by side, or one below the other in a small window."""
    directions = QBoxLayout.Direction
    parts.setDirection(directions.LeftToRight if beside else directions.TopToBottom)
