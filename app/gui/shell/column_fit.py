"""Fits a table's columns and rows to its width and to the scale of the text."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTableView

from app.gui.shell.width_watch import WidthWatch
from app.gui.theme.look import Look

CELL_WORDS = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)  # what is cut is told by the tool tip
Column = tuple[int, int, bool]  # least width at 100 % text, share of what is left, may be left out


class ColumnFit:
    """Each column takes its least width and its share of the rest; in a small window some are left out."""

    def __init__(self, table: QTableView, look: Look, columns: Sequence[Column], *, row_height: int) -> None:
        self._table = table
        self._look = look
        self._columns = columns
        self._row_height = row_height
        table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        self._watch = WidthWatch(table, look, self._fit)

    def _fit(self, width: float) -> None:
        table, look = self._table, self._look
        table.verticalHeader().setDefaultSectionSize(look.px(self._row_height))
        room = width - 16  # the scroll bar
        roomy = sum(least for least, _share, _dispensable in self._columns) <= room
        shown = [c for c in self._columns if roomy or not c[2]]
        rest = max(room - sum(least for least, _share, _dispensable in shown), 0.0)
        whole = sum(share for _least, share, _dispensable in shown) or 1
        for number, column in enumerate(self._columns):
            table.setColumnHidden(number, column not in shown)
            table.setColumnWidth(number, look.px(column[0] + rest * column[1] / whole))
