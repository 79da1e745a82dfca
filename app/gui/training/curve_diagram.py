"""A run's curve: how the model under way names the diseases of synthetic notes, step by step."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui.theme.look import Look
from app.workflows.training_curve import CurvePoint

SHARE_TICKS = (0.0, 0.5, 1.0)
HEIGHT, TOP, LEFT, LOWER = 132, 26, 50, 40  # pixels at 100 % text: of a plot, above, beside and below it


class CurveDiagram(QWidget):
    """Two plots side by side over the steps: the shares (0 to 100 %) and the loss."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._points: tuple[CurvePoint, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Curve of the run")
        look.changed.connect(self.updateGeometry)
        look.changed.connect(self.update)

    def show_points(self, points: Sequence[CurvePoint]) -> None:
        """Draw these."""
        self._points = tuple(points)
        self.update()

    def sizeHint(self) -> QSize:
        """Height is given, width taken."""
        return QSize(self._look.px(420), self._look.px(TOP + HEIGHT + LOWER))

    def plots(self) -> tuple[QRectF, QRectF]:
        """Where the shares and the loss are drawn."""
        px, half = self._look.px, self.width() / 2
        width = half - px(LEFT) - px(30)
        return (
            QRectF(px(LEFT), px(TOP), width, px(HEIGHT)),
            QRectF(half + px(LEFT), px(TOP), width, px(HEIGHT)),
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Axes and names, then the lines."""
        if not self._points:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shares, losses = self.plots()
        highest = max(point.loss for point in self._points) * 1.1 or 1.0
        self._axes(painter, shares, [(tick, f"{tick:.0%}") for tick in SHARE_TICKS])
        self._axes(painter, losses, [(part, f"{part * highest:.2g}") for part in SHARE_TICKS])
        right = self._name(painter, shares, shares.left(), "disease first", square=False)
        self._name(painter, shares, right, "among the first ten", square=True)
        self._name(painter, losses, losses.left(), "loss", square=False)
        self._line(painter, shares, lambda point: point.top10, square=True)
        self._line(painter, shares, lambda point: point.top1, square=False)
        self._line(painter, losses, lambda point: point.loss / highest, square=False)
        painter.end()

    def _axes(self, painter: QPainter, plot: QRectF, ticks: Sequence[tuple[float, str]]) -> None:
        look = self._look
        painter.setFont(look.font(10.5))
        for height, words in ticks:
            y = plot.bottom() - height * plot.height()
            painter.setPen(QPen(look.color("track"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(look.color("muted"))
            place = QRectF(0, y - look.px(9), plot.left() - look.px(6), look.px(18))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), words)
        for point in self._told_below():
            for line, words in enumerate((f"step {point.step}", f"ε {point.epsilon:.2f}")):
                below = QRectF(0, 0, look.px(80), look.px(17))
                below.moveCenter(QPointF(self._across(plot, point), plot.bottom() + look.px(12 + 16 * line)))
                painter.drawText(below, int(Qt.AlignmentFlag.AlignCenter), words)

    def _told_below(self) -> tuple[CurvePoint, ...]:
        """The first point and the last; between them the one nearest to their middle."""
        first, last = self._points[0], self._points[-1]
        middle = min(self._points, key=lambda point: abs(2 * point.step - first.step - last.step))
        return tuple({point.step: point for point in (first, middle, last)}.values())

    def _name(self, painter: QPainter, plot: QRectF, left: float, words: str, *, square: bool) -> float:
        """The line's mark and name above the plot; where the next one may begin."""
        look, y = self._look, self._look.px(10)
        self._mark(painter, QPointF(left + look.px(5), y), square=square)
        painter.setFont(look.font(11, bold=True))
        painter.setPen(look.color("text"))
        width = painter.fontMetrics().horizontalAdvance(words)
        place = QRectF(left + look.px(14), 0, width + 2, look.px(20))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), words)
        return place.right() + look.px(14)

    def _line(
        self, painter: QPainter, plot: QRectF, height: Callable[[CurvePoint], float], *, square: bool
    ) -> None:
        style = Qt.PenStyle.DashLine if square else Qt.PenStyle.SolidLine
        color = self._look.color("suggested" if square else "accent")
        painter.setPen(QPen(color, self._look.px(2), style))
        places = [
            QPointF(self._across(plot, point), plot.bottom() - height(point) * plot.height())
            for point in self._points
        ]
        painter.drawPolyline(places)
        for place in places if len(places) <= _MOST_MARKS else places[-1:]:
            self._mark(painter, place, square=square)

    def _mark(self, painter: QPainter, at: QPointF, *, square: bool) -> None:
        look, size = self._look, self._look.px(3)
        painter.setBrush(look.color("surface"))
        painter.setPen(QPen(look.color("suggested" if square else "accent"), look.px(2)))
        if square:
            painter.drawRect(QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size))
        else:
            painter.drawEllipse(at, size, size)

    def _across(self, plot: QRectF, point: CurvePoint) -> float:
        first, last = self._points[0].step, self._points[-1].step
        return plot.left() + plot.width() * ((point.step - first) / (last - first) if last > first else 0.0)


_MOST_MARKS = 24
