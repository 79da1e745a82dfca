"""The alerts of a patient, two lines each: a shape and words for how soon, what it may be, what to do."""

from math import cos, pi, sin

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app.gui.patient.alert_text import ROLES, spoken, when
from app.gui.shell.row_delegate import MIDDLE, Index, RowDelegate, draw_elided
from app.gui.theme.look import Look
from knowledge_graph.rules.rule import Urgency
from knowledge_graph.rules.trace import Alert

ALERT = Qt.ItemDataRole.UserRole
ROW_PX = 42
MOST_ROWS = 2
ROOM_FOR_TWO = 560  # pixels of the window at 100 % text


class AlertDelegate(RowDelegate):
    """Paints one alert."""

    def __init__(self, look: Look, view: QListWidget) -> None:
        super().__init__(look, view, height=ROW_PX)

    def paint_row(self, painter: QPainter, rect: QRectF, index: Index) -> None:
        """Shape, words, title, source; below them what to do."""
        look, alert = self._look, index.data(ALERT)
        inner = rect.adjusted(look.px(10), look.px(3), -look.px(10), -look.px(3))
        side = look.px(24)
        paint_shape(
            painter, look, alert.urgency, QRectF(inner.left(), inner.center().y() - side / 2, side, side)
        )
        words = inner.adjusted(side + look.px(10), 0, 0, 0)
        self._first_line(painter, words, alert)
        below = words.adjusted(0, look.px(19), 0, 0)
        self._say(painter, below, alert.action, size=11.5, role="text")

    def _first_line(self, painter: QPainter, rect: QRectF, alert: Alert) -> None:
        look = self._look
        room = rect.adjusted(0, 0, 0, -look.px(18))
        soon = when(alert.urgency)
        painter.setFont(look.font(11, bold=True))
        taken = painter.fontMetrics().horizontalAdvance(soon) + look.px(10)
        self._say(painter, room, soon, size=11, role=ROLES[alert.urgency], bold=True)
        room = room.adjusted(taken, 0, 0, 0)
        painter.setFont(look.font(12.5, bold=True))
        title = painter.fontMetrics().horizontalAdvance(alert.title)
        self._say(painter, room, alert.title, size=12.5, role="text", bold=True)
        left = room.adjusted(title + look.px(16), 0, 0, 0)
        if left.width() > look.px(120):
            self._say(painter, left, alert.source, size=11, role="muted", right=True)

    def _say(
        self,
        painter: QPainter,
        room: QRectF,
        text: str,
        *,
        size: float,
        role: str,
        bold: bool = False,
        right: bool = False,
    ) -> None:
        painter.setFont(self._look.font(size, bold=bold))
        painter.setPen(self._look.color(role))
        draw_elided(painter, room, text, MIDDLE | Qt.AlignmentFlag.AlignRight if right else MIDDLE)


def paint_shape(painter: QPainter, look: Look, urgency: Urgency, rect: QRectF) -> None:
    """An octagon at once, a triangle today, a ring within two weeks: told apart without colour."""
    color = look.color(ROLES[urgency])
    painter.setPen(QPen(color, look.px(2)))
    painter.setBrush(color)
    middle, radius = rect.center(), rect.width() / 2 - 1
    if urgency is Urgency.EMERGENCY:
        painter.drawPolygon(_polygon(middle, radius, 8, turn=pi / 8))
    elif urgency is Urgency.URGENT:
        painter.drawPolygon(_polygon(middle + QPointF(0, radius * 0.18), radius, 3, turn=-pi / 2))
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, radius - 1, radius - 1)
    painter.setFont(look.font(13, bold=True))
    painter.setPen(color if urgency is Urgency.SOON else look.color("surface"))
    drop = radius * 0.12 if urgency is Urgency.URGENT else 0.0
    painter.drawText(
        rect.translated(0, drop), int(Qt.AlignmentFlag.AlignCenter), "i" if urgency is Urgency.SOON else "!"
    )


def _polygon(middle: QPointF, radius: float, corners: int, *, turn: float) -> QPolygonF:
    angles = (turn + 2 * pi * corner / corners for corner in range(corners))
    return QPolygonF([middle + QPointF(radius * cos(a), radius * sin(a)) for a in angles])


class AlertList:
    """The list; `show` keeps the chosen rule chosen."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.widget = QListWidget()
        self._delegate = AlertDelegate(look, self.widget)
        self.widget.setItemDelegate(self._delegate)
        self.widget.setProperty("role", "bare")
        self.widget.setAccessibleName("Alerts, most urgent first")
        self.widget.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        look.follow(self.widget, self._fit)

    def show(self, alerts: tuple[Alert, ...]) -> None:
        """Show alerts; the first is chosen unless the one chosen before is still there."""
        before = self.current()
        self.widget.clear()
        for alert in alerts:
            item = QListWidgetItem(alert.title, self.widget)
            item.setData(ALERT, alert)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, spoken(alert))
            item.setToolTip(spoken(alert))
        ids = [alert.rule_id for alert in alerts]
        kept = ids.index(before.rule_id) if before is not None and before.rule_id in ids else 0
        self.widget.setCurrentRow(kept if alerts else -1)
        self._fit()

    def current(self) -> Alert | None:
        """The alert that is chosen."""
        item = self.widget.currentItem()
        found: Alert | None = None if item is None else item.data(ALERT)
        return found

    def _fit(self) -> None:
        """As high as its rows, at most MOST_ROWS and in a low window one; the rest is scrolled."""
        low = self.widget.window().height() < self._look.px(ROOM_FOR_TWO)
        rows = min(self.widget.count(), 1 if low else MOST_ROWS)
        self.widget.setFixedHeight(rows * self._look.px(ROW_PX) + 2)
        self.widget.doItemsLayout()
