"""A label of one line that gives way: an ellipsis ends what does not fit, the tool tip tells it all."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QStyleOption


class ElidedLabel(QLabel):
    """Plain text; asks for its whole width, is content with a few letters."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self._tip = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if role:
            self.setProperty("role", role)
        if role.startswith("badge"):
            self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def setText(self, text: str) -> None:
        """Show a text."""
        super().setText(text)
        self._tell_all()

    def setToolTip(self, tip: str) -> None:
        """What more there is to say; without it, the tool tip is needed only where something is left out."""
        self._tip = tip
        self._tell_all()

    def minimumSizeHint(self) -> QSize:
        """Four letters and the ellipsis."""
        hint = super().minimumSizeHint()
        least = self.fontMetrics().horizontalAdvance("mmmm…")
        return QSize(min(hint.width(), least), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More or less may be left out now."""
        super().resizeEvent(event)
        self._tell_all()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The style's frame, then as much of the text as there is room for."""
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        room = self.contentsRect()
        painter.setFont(self.font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(
            room, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), self._shown(room.width())
        )
        painter.end()

    def _shown(self, width: int) -> str:
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, width)

    def _tell_all(self) -> None:
        cut = self._shown(self.contentsRect().width()) != self.text()
        super().setToolTip(self._tip or (self.text() if cut else ""))
