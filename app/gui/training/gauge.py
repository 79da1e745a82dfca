"""The privacy gauge: what is spent, what a run would add, and the cap, on one line."""

from PySide6.QtCore import QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui.theme.look import Look


class EpsilonGauge(QWidget):
    """Spent: filled. Planned: hatched. Cap: a tick with its number. Over the cap: in the warning colour."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._spent, self._planned, self._cap = 0.0, 0.0, 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Privacy budget")
        look.changed.connect(self.updateGeometry)

    def show_budget(self, spent: float, planned: float, cap: float) -> None:
        """Epsilon spent so far, epsilon that a run would add, and the cap."""
        self._spent, self._planned, self._cap = spent, planned, max(cap, 1e-6)
        said = budget_sentence(spent, planned, cap)
        self.setToolTip(said)
        self.setAccessibleDescription(said)
        self.update()

    def sizeHint(self) -> QSize:
        """A bar with two lines of numbers below."""
        return QSize(self._look.px(260), self._look.px(62))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar, the tick, the numbers."""
        look, painter = self._look, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = max(self._cap, self._spent + self._planned) * 1.08
        bar = QRectF(1, look.px(4), self.width() - 2, look.px(14))
        self._fill(painter, bar, QBrush(look.color("track")))
        over = self._spent + self._planned > self._cap * (1 + 1e-9)
        color = look.color("bad" if over else "accent")
        ahead = self._part(bar, 0.0, (self._spent + self._planned) / whole)
        self._fill(painter, ahead, QBrush(color, Qt.BrushStyle.BDiagPattern))
        self._fill(painter, self._part(bar, 0.0, self._spent / whole), QBrush(color))
        at = bar.left() + bar.width() * self._cap / whole
        painter.setPen(QPen(look.color("text"), look.px(2)))
        painter.drawLine(QLineF(at, bar.top() - look.px(3), at, bar.bottom() + look.px(3)))
        self._numbers(painter, at)
        painter.end()

    def _numbers(self, painter: QPainter, at: float) -> None:
        look = self._look
        line = QRectF(0, look.px(23), self.width(), look.px(20))
        painter.setFont(look.font(12))
        painter.setPen(look.color("muted"))
        planned = f" + {self._planned:.2f} planned" if self._planned else ""
        said = f"ε {self._spent:.2f} spent{planned}"
        painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft), said)
        text = f"cap {self._cap:g}"
        width = painter.fontMetrics().horizontalAdvance(text)
        left = max(min(at - width / 2, self.width() - width - 2), 0)
        lower = look.px(18) if left < painter.fontMetrics().horizontalAdvance(said) + 10 else 0
        place = QRectF(left, line.top() + lower, width + 2, line.height())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft), text)

    def _part(self, bar: QRectF, start: float, end: float) -> QRectF:
        return QRectF(bar.left() + bar.width() * start, bar.top(), bar.width() * (end - start), bar.height())

    def _fill(self, painter: QPainter, rect: QRectF, brush: QBrush) -> None:
        if rect.width() > 0.5:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(brush)
            painter.drawRoundedRect(rect, 4, 4)


def budget_sentence(spent: float, planned: float, cap: float) -> str:
    """The gauge in words."""
    ahead = f"{planned:.2f} planned, " if planned else ""
    return f"Epsilon {spent:.2f} spent, {ahead}cap {cap:g}, {max(cap - spent - planned, 0.0):.2f} left."
