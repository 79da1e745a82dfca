"""Who did what and when, and whether the chain of these events is whole."""

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QTableView

from app.clinical.audit_event import AuditEvent
from app.gui.audit.emergency_card import EmergencyCard
from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.column_fit import CELL_WORDS, ColumnFit
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, card, label, page_frame, row, set_role
from app.gui.shell.row_ring import choose_rows
from app.store.audit_chain import AuditReport

COLUMNS = ("No.", "When (UTC)", "Who", "What", "Record", "Detail")
BATCH = 500
_COLUMN_WIDTHS = (
    *((62, 0, False), (172, 0, False), (90, 1, False)),
    *((150, 1, False), (120, 3, True), (160, 4, False)),
)
Index = QModelIndex | QPersistentModelIndex


class AuditItemModel(QAbstractTableModel):
    """Events newest first; more are fetched when the end comes into view."""

    def __init__(self, session: OpenSession, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._events: list[AuditEvent] = []
        self._whole = True
        self._asking = False

    def refresh(self) -> None:
        """Begin anew with the latest events."""
        self._whole, self._asking = False, False
        self.beginResetModel()
        self._events = []
        self.endResetModel()
        self.fetchMore()

    def clear(self) -> None:
        """Forget every event."""
        self._whole = True
        self.beginResetModel()
        self._events = []
        self.endResetModel()

    def canFetchMore(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008 (Qt's name, default)
        """Whether older events may be there."""
        return not self._whole and not self._asking

    def fetchMore(self, parent: Index = QModelIndex()) -> None:  # noqa: B008 (Qt's name, default)
        """Ask for older events."""
        self._asking = True
        vault = self._session.vault
        before = self._events[-1].sequence if self._events else None
        self._session.runner.read(lambda: (before, vault.audit_events(BATCH, before)), self._take)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's name, default)
        """How many events are here."""
        return 0 if parent.isValid() else len(self._events)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's name, default)
        """How many columns there are."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Column titles."""
        if orientation is Qt.Orientation.Horizontal and role in CELL_WORDS:
            return COLUMNS[section]
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """One cell."""
        if role not in CELL_WORDS:
            return None
        return event_cells(self._events[index.row()])[index.column()]

    def _take(self, answer: tuple[int | None, list[AuditEvent]]) -> None:
        before, events = answer
        if (self._events[-1].sequence if self._events else None) != before:
            return
        self._asking, self._whole = False, len(events) < BATCH
        if events:
            last = len(self._events) + len(events) - 1
            self.beginInsertRows(QModelIndex(), len(self._events), last)
            self._events += events
            self.endInsertRows()


def event_cells(event: AuditEvent) -> tuple[str, ...]:
    """An event's cells as text, in the order of COLUMNS."""
    when = event.at[:19].replace("T", " ")
    deed = event.action.replace("-", " ").replace(".", ": ").replace("_", " ")
    return (str(event.sequence), when, event.user, deed, event.record_id, event.detail)


class AuditPage:
    """The table, and the button that walks the whole chain."""

    def __init__(self, session: OpenSession) -> None:
        self._session = session
        self.outcome = label("", "notice", wrap=True)
        self.outcome.hide()
        self.widget, column, head = page_frame(
            "Audit", "Every deed is one link of a signed chain. Events never hold what a record says."
        )
        self.verify_button = button(
            "Verify the chain",
            self.verify,
            role="primary",
            tip="Walk every link and signature",
            picture=(session.look, "shield"),
        )
        head.addLayout(row(self.verify_button))
        self.emergencies = EmergencyCard(session)
        column.addWidget(self.emergencies.widget)
        column.addWidget(self.outcome)
        frame, inside = card(margin=1, spacing=0)
        self.table = self._table()
        self.model.rowsInserted.connect(lambda *_: self._stand_on_newest())
        inside.addWidget(self.table)
        column.addWidget(frame, 1)

    def refresh(self) -> None:
        """Show the latest events."""
        self.model.refresh()
        self.emergencies.refresh()

    def clear(self) -> None:
        """Forget the events; called before the vault is locked."""
        self.model.clear()
        self.emergencies.clear()
        self.outcome.setText("")

    def verify(self) -> None:
        """Walk the chain in the background."""
        self.verify_button.setEnabled(False)
        set_role(self.outcome, "notice")
        self.outcome.setText("Checking every link and signature…")
        self.outcome.show()
        self._session.runner.read(self._session.vault.verify_audit, self._tell, self._refuse)

    def _stand_on_newest(self) -> None:
        """So that the keyboard has a place that is seen."""
        if not self.table.currentIndex().isValid():
            self.table.selectRow(0)

    def _table(self) -> QTableView:
        table = QTableView(showGrid=False, wordWrap=False)
        self.model = AuditItemModel(self._session, table)
        table.setModel(self.model)
        table.setProperty("role", "bare")
        table.setAccessibleName("Audit events")
        choose_rows(table, self._session.look)
        table.verticalHeader().hide()
        self._fit = ColumnFit(table, self._session.look, _COLUMN_WIDTHS, row_height=30)
        table.horizontalHeader().setStretchLastSection(True)
        table.horizontalHeader().setHighlightSections(False)
        return table

    def _tell(self, report: AuditReport) -> None:
        self.verify_button.setEnabled(True)
        set_role(self.outcome, "notice" if report.intact else "error")
        self.outcome.setText(verdict(report))
        self.outcome.show()

    def _refuse(self, failure: Failure) -> None:
        self.verify_button.setEnabled(True)
        set_role(self.outcome, "error")
        self.outcome.setText(sentence(failure.message))
        self.outcome.show()


def verdict(report: AuditReport) -> str:
    """The outcome of a verification, with what to do."""
    if report.intact:
        return f"✓ The chain is whole: {report.events:,} events, every link and signature holds."
    return (
        f"✕ The chain is broken at event {report.broken_at}: {report.finding}. Stop working in this vault, "
        "keep a copy of its folder, and ask IT to compare it with the last backup."
    )
