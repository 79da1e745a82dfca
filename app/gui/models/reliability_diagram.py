"""The reliability diagram: stated probability against the share that came true."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui.theme.look import Look
from ml.evaluation.calibration import ReliabilityBin
from ml.evaluation.model_report import WayReport
from ml.evaluation.share import interval

_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


class ReliabilityDiagram(QWidget):
    """Points with 95 % intervals, the diagonal of perfect calibration, and how many notes each holds."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._way: WayReport | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Reliability diagram")
        look.changed.connect(self.updateGeometry)
        look.changed.connect(self.update)

    def show_way(self, way: WayReport | None) -> None:
        """Draw what was measured; without it the diagram is hidden."""
        self._way = way
        self.setVisible(way is not None)
        self.setAccessibleDescription(spoken(way) if way else "")
        self.setToolTip(self.accessibleDescription())
        self.update()

    def sizeHint(self) -> QSize:
        """Height is given, width taken."""
        return QSize(self._look.px(420), self._look.px(250))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes, diagonal, counts, then the points."""
        if self._way is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look, side = self._look, self._look.px(168)
        plot = QRectF(look.px(56), look.px(30), min(side * 1.9, self.width() - look.px(70)), side)
        self._axes(painter, plot)
        self._counts(painter, plot, self._way)
        points = [self._point(plot, b) for b in self._way.reliability]
        painter.setPen(QPen(look.color("accent"), look.px(2)))
        painter.drawPolyline(points)
        for found, point in zip(self._way.reliability, points, strict=True):
            self._mark(painter, plot, found, point)
        painter.end()

    def _axes(self, painter: QPainter, plot: QRectF) -> None:
        look = self._look
        painter.setFont(look.font(12, bold=True))
        painter.setPen(look.color("text"))
        title = QRectF(plot.left(), 0, self.width() - plot.left(), look.px(24))
        painter.drawText(title, int(Qt.AlignmentFlag.AlignVCenter), "Stated and true: the first disease")
        painter.setFont(look.font(10.5))
        for tick in _TICKS:
            y, x = plot.bottom() - tick * plot.height(), plot.left() + tick * plot.width()
            painter.setPen(QPen(look.color("track"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(look.color("muted"))
            label = QRectF(0, y - look.px(9), plot.left() - look.px(6), look.px(18))
            painter.drawText(label, int(_RIGHT), f"{tick:.0%}")
            below = QRectF(x - look.px(25), plot.bottom() + look.px(2), look.px(50), look.px(18))
            painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), f"{tick:.0%}")
        name = QRectF(plot.left(), plot.bottom() + look.px(18), plot.width(), look.px(18))
        painter.drawText(name, int(Qt.AlignmentFlag.AlignCenter), "stated probability (bars: how many notes)")
        painter.setPen(QPen(look.color("muted"), 1.2, Qt.PenStyle.DashLine))
        painter.drawLine(plot.bottomLeft(), plot.topRight())

    def _counts(self, painter: QPainter, plot: QRectF, way: WayReport) -> None:
        """Faint columns: few notes in a bin mean little."""
        total = sum(b.count for b in way.reliability) or 1
        color = self._look.color("suggested")
        color.setAlphaF(0.22)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        for b in way.reliability:
            height = plot.height() * b.count / total
            left, width = plot.left() + b.low * plot.width(), (b.high - b.low) * plot.width()
            painter.drawRect(QRectF(left + 1, plot.bottom() - height, width - 2, height))

    def _mark(self, painter: QPainter, plot: QRectF, found: ReliabilityBin, at: QPointF) -> None:
        look = self._look
        low, high = interval(found.observed, found.count)
        painter.setPen(QPen(look.color("accent"), 1.4))
        for end in (low, high):
            y = plot.bottom() - end * plot.height()
            painter.drawLine(QPointF(at.x() - look.px(3), y), QPointF(at.x() + look.px(3), y))
            painter.drawLine(at, QPointF(at.x(), y))
        painter.setBrush(look.color("surface"))
        painter.setPen(QPen(look.color("accent"), look.px(2)))
        painter.drawEllipse(at, look.px(4), look.px(4))

    def _point(self, plot: QRectF, found: ReliabilityBin) -> QPointF:
        return QPointF(
            plot.left() + found.stated * plot.width(), plot.bottom() - found.observed * plot.height()
        )


def spoken(way: WayReport) -> str:
    """The diagram in words."""
    bins = "; ".join(f"stated {b.stated:.0%}, true {b.observed:.0%} of {b.count}" for b in way.reliability)
    return f"Calibration error {way.ece:.3f}. {bins}."


_RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
