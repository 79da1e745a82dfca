"""A row of a list that we paint ourselves: the ground of the chosen one, then what the row holds."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.gui.theme.look import Look

Index = QModelIndex | QPersistentModelIndex
RING_PX = 2
TOP_LEFT = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
MIDDLE = Qt.AlignmentFlag.AlignVCenter
SMOOTH = QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform


class RowDelegate(QStyledItemDelegate):
    """Rows of one height (pixels at 100 % text); a ring on the current one shows where the keyboard is.

    It ends with its view: a delegate that Python's collector frees may be freed in a reader's thread.
    """

    def __init__(self, look: Look, view: QAbstractItemView, *, height: int) -> None:
        super().__init__(view)
        self._look = look
        self._height = height

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """The list gives the width."""
        return QSize(50, self._look.px(self.height_of(index)))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The ground, then the row."""
        rect = QRectF(option.rect)
        painter.save()
        painter.setRenderHints(SMOOTH)
        chosen = option.state & QStyle.StateFlag.State_Selected
        focused = option.state & QStyle.StateFlag.State_HasFocus
        edge = QPen(self._look.color("chosen_edge"), 1) if chosen else QPen(Qt.PenStyle.NoPen)
        painter.setPen(QPen(self._look.color("accent"), RING_PX) if focused else edge)
        painter.setBrush(self._look.color("selected") if chosen else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 6, 6)
        self.paint_row(painter, rect, index)
        painter.restore()

    def height_of(self, index: Index) -> int:
        """The height of a row, for lists whose rows differ."""
        return self._height

    def paint_row(self, painter: QPainter, rect: QRectF, index: Index) -> None:
        """What the row holds; the painter is put back afterwards."""
        raise NotImplementedError


def draw_elided(painter: QPainter, room: QRectF, text: str, place: Qt.AlignmentFlag = TOP_LEFT) -> None:
    """As much of a text as there is room for, in the painter's font and pen."""
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
    painter.drawText(room, int(place), shown)
