"""The privacy ledger as a table of runs, latest first."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QLabel, QStackedWidget, QTableWidget, QTableWidgetItem, QWidget

from app.gui.shell.furniture import card, label, row
from app.gui.shell.row_ring import choose_rows
from app.gui.theme.look import Look
from app.gui.training.run_history import COLUMNS, FIRST_NUMBER, RunRow


class LedgerCard:
    """Every run with its debits, or a line where there is none yet."""

    def __init__(self, look: Look) -> None:
        self.table = QTableWidget(0, len(COLUMNS))
        self._none: QLabel = label("Nothing has been spent yet.", "muted")
        self._none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        choose_rows(self.table, look)
        self.widget = self._lay_out()
        self.widget.setMinimumHeight(look.px(132))
        self.table.verticalHeader().setDefaultSectionSize(look.px(30))

    def show(self, rows: tuple[RunRow, ...]) -> None:
        """Show these runs."""
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.table.setRowCount(len(rows))
        for number, found in enumerate(rows):
            for column, text in enumerate(found.cells()):
                item = QTableWidgetItem(text)
                if column >= FIRST_NUMBER:
                    item.setTextAlignment(right)
                self.table.setItem(number, column, item)
        self._pages.setCurrentIndex(1 if rows else 0)

    def _lay_out(self) -> QWidget:
        frame, column = card(margin=0, spacing=0)
        head = row(label("Ledger", "heading"), label("what every run has spent", "muted"), None)
        head.setContentsMargins(16, 12, 16, 4)
        column.addLayout(head)
        self._dress()
        self._pages.addWidget(self._none)
        self._pages.addWidget(self.table)
        column.addWidget(self._pages, 1)
        return frame

    def _dress(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(list(COLUMNS))
        table.setProperty("role", "bare")
        table.setAccessibleName("Ledger of runs")
        table.setShowGrid(False)
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.verticalHeader().hide()
        head = table.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in range(FIRST_NUMBER, len(COLUMNS)):
            title = table.horizontalHeaderItem(column)
            assert title is not None
            title.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(FIRST_NUMBER - 1, QHeaderView.ResizeMode.Stretch)
