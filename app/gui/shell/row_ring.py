"""A table whose rows are chosen whole: the ring around the current one shows where the keyboard is."""

from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from app.gui.shell.row_delegate import RING_PX, Index
from app.gui.theme.look import Look


class _RingDelegate(QStyledItemDelegate):
    """Cells as the style paints them, and the ring's part that falls on each."""

    def __init__(self, look: Look, table: QTableView) -> None:
        super().__init__(table)
        self._look = look
        self._table = table

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The cell without a ring of its own; above it the row's."""
        option.state &= ~QStyle.StateFlag.State_HasFocus
        super().paint(painter, option, index)
        table = self._table
        if not table.hasFocus() or index.row() != table.currentIndex().row():
            return
        shown = [c for c in range(table.model().columnCount()) if not table.isColumnHidden(c)]
        edge, rect = RING_PX // 2, option.rect
        inner = rect.adjusted(edge, edge, -edge, -edge)
        painter.save()
        painter.setPen(QPen(self._look.color("accent"), RING_PX))
        painter.drawLine(rect.left(), inner.top(), rect.right(), inner.top())
        painter.drawLine(rect.left(), inner.bottom(), rect.right(), inner.bottom())
        if index.column() == shown[0]:
            painter.drawLine(inner.topLeft(), inner.bottomLeft())
        if index.column() == shown[-1]:
            painter.drawLine(inner.topRight(), inner.bottomRight())
        painter.restore()


def choose_rows(table: QTableView, look: Look) -> None:
    """Rows are chosen whole, one at a time; Tab leaves the table."""
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    table.setItemDelegate(_RingDelegate(look, table))
