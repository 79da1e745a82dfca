"""The patient list: search as you type, filters, thousands of rows; records are dropped here."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
)

from app.clinical.ids import PatientId
from app.gui.patients.patient_item_model import PatientItemModel
from app.gui.session import OpenSession
from app.gui.shell.awaited_enter import AwaitedEnter
from app.gui.shell.break_glass_dialog import break_glass_dialog
from app.gui.shell.choice import choice_box
from app.gui.shell.column_fit import ColumnFit
from app.gui.shell.field_dialog import FieldDialog
from app.gui.shell.furniture import button, card, empty_state, label, page_frame, row
from app.gui.shell.row_ring import choose_rows
from app.gui.shell.search_field import search_field
from app.gui.shell.width_watch import WidthWatch, turn
from app.gui.shell.withheld import withhold_writing
from app.gui.writing.patient_dialog import PatientDialog
from app.gui.writing.writing_dialog import may_write
from app.store.patient_query import PatientFilter
from app.store.rights import Right

_SEARCH = "Search by name, record number or birth date"
_SEX = (("Any sex", None), ("Female", "FEMALE"), ("Male", "MALE"), ("Other", "OTHER"), ("Unknown", "UNKNOWN"))
_DECIDED = (("Any decision", None), ("Confirmed", True), ("Undecided", False))
_ORDER = (("By name", "name"), ("By last activity", "activity"))
_COLUMN_WIDTHS = (
    *((134, 3, False), (126, 1, False), (102, 0, False), (92, 0, False), (72, 0, True)),
    *((62, 0, True), (84, 0, True), (112, 0, True), (150, 4, False)),
)
TYPING_PAUSE_MS = 120
_LIST, _NOBODY, _EMPTY, _WITHHELD = range(4)
_NO_CHARTS = "Names and charts are for those who treat. In an emergency you may open them, with a reason."
ROOM_FOR_ONE_LINE = 760  # pixels at 100 % text


class PatientsPage:
    """Shows the list; opens a patient with Enter or a double click."""

    def __init__(
        self,
        session: OpenSession,
        open_patient: Callable[[PatientId], object],
        import_files: Callable[[list[Path] | None], object],
        changed: Callable[[], object],
    ) -> None:
        self._session = session
        self._open_patient = open_patient
        self._import_files = import_files
        self._changed = changed
        self.writing: PatientDialog | None = None
        self.glass: FieldDialog | None = None
        self.search = search_field(session.look, "Search patients", _SEARCH)
        self.sex, self.decided = choice_box("Sex", _SEX), choice_box("Diagnosis confirmed or not", _DECIDED)
        self.order = choice_box("Order", _ORDER)
        self.count = label("", "muted")
        self.table = self._table()
        self._pause = QTimer(self.search, singleShot=True, interval=TYPING_PAUSE_MS)
        self._stack = QStackedWidget()
        self.widget, column, head = page_frame(
            "Patients", "Type to search, Down leads into the list, Enter opens."
        )
        head.addLayout(row(self._new_button(), self._import_button()))
        self._lay_out(column)
        self._connect()

    def refresh(self) -> None:
        """Ask the vault again; who may not open charts sees how she may in an emergency."""
        allowed = self._session.vault.may(Right.CHARTS)
        for control in (self.search, self.sex, self.decided, self.order):
            control.setEnabled(allowed)
        if allowed:
            self.model.show(self.wanted())
        else:
            self._stack.setCurrentIndex(_WITHHELD)

    def ask_for_glass(self) -> None:
        """Ask for the reason of an emergency; the list follows it."""
        self.glass = break_glass_dialog(self.widget, self._session, self.refresh)
        self.glass.open()

    def clear(self) -> None:
        """Forget every patient; called before the vault is locked."""
        self._pause.stop()
        self.search.blockSignals(True)
        self.search.setText("")
        self.model.clear()

    def focus(self) -> None:
        """Put the cursor into the search field."""
        self.search.setFocus()

    def write_patient(self) -> None:
        """Ask for a new patient, and open her chart once she is saved."""
        if may_write(self._session):
            self.writing = PatientDialog(self.widget, self._session, self._open_written)
            self.writing.open()

    def wanted(self) -> PatientFilter:
        """The filter as it is set."""
        return PatientFilter(
            self.search.text().strip(),
            self.sex.currentData(),
            self.decided.currentData(),
            self.order.currentData(),
        )

    def _lay_out(self, column: QVBoxLayout) -> None:
        filters = row(self.sex, self.decided, self.order, None, self.count)
        for place, share in enumerate((2, 3, 2, 0)):
            filters.setStretch(place, share)
        both = row(self.search)
        both.addLayout(filters)
        both.setStretch(0, 4)
        both.setStretch(1, 8)
        column.addLayout(both)
        look = self._session.look
        self._watch = WidthWatch(
            self.widget, look, lambda width: turn(both, beside=width >= ROOM_FOR_ONE_LINE)
        )
        frame, inside = card(margin=1, spacing=0)
        inside.addWidget(self._stack)
        column.addWidget(frame, 1)
        self._stack.addWidget(self.table)
        everybody = button("Show all patients", self._want_everybody)
        nobody = empty_state(look, "search", "Nobody matches", "Try fewer letters or filters.", everybody)
        self._stack.addWidget(nobody)
        first = button("Import records…", lambda: self._import_files(None), role="primary")
        withhold_writing(self._session, first)
        advice = (
            "Import FHIR bundles, phenopackets, CSV tables or text notes, or drop files here. "
            "Ctrl+N adds a patient by hand."
        )
        self._stack.addWidget(empty_state(look, "empty", "This vault is empty", advice, first))
        glass = button("Emergency access…", self.ask_for_glass)
        self._stack.addWidget(empty_state(look, "search", "Your role opens no charts", _NO_CHARTS, glass))

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _text: self._pause.start())
        self._pause.timeout.connect(self.refresh)
        for choice in (self.sex, self.decided, self.order):
            choice.currentIndexChanged.connect(lambda _index: self._narrow())
        self.model.counted.connect(self._tell_count)
        self.table.activated.connect(self._open)
        self._enter = AwaitedEnter(self.search, self._open_first)
        new = QShortcut(
            QKeySequence("Ctrl+N"), self.widget, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        new.activated.connect(self.write_patient)
        down = QShortcut(QKeySequence("Down"), self.search, context=Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(self.table.setFocus)

    def _table(self) -> QTableView:
        table = QTableView(showGrid=False, wordWrap=False)
        self.model = PatientItemModel(self._session, table)
        table.setModel(self.model)
        table.setProperty("role", "bare")
        table.setAccessibleName("Patients")
        choose_rows(table, self._session.look)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._fit = ColumnFit(table, self._session.look, _COLUMN_WIDTHS, row_height=34)
        return table

    def _narrow(self) -> None:
        self._enter.expect()
        self.refresh()

    def _want_everybody(self) -> None:
        """Take back what narrows the list."""
        self.search.clear()
        self.sex.setCurrentIndex(0)
        self.decided.setCurrentIndex(0)
        self.focus()

    def _new_button(self) -> QPushButton:
        made = button(
            "New patient…",
            self.write_patient,
            tip="Add a patient by hand (Ctrl+N)",
            picture=(self._session.look, "write"),
        )
        withhold_writing(self._session, made)
        return made

    def _open_written(self, patient_id: PatientId) -> None:
        self._changed()
        self._open_patient(patient_id)

    def _import_button(self) -> QPushButton:
        made = button(
            "Import records…",
            lambda: self._import_files(None),
            tip="Import files (Ctrl+I), or drop them on the window",
            picture=(self._session.look, "import"),
        )
        withhold_writing(self._session, made)
        return made

    def _tell_count(self, count: int) -> None:
        self.count.setText("1 patient" if count == 1 else f"{count:,} patients")
        self._stack.setCurrentIndex(_LIST if count else _NOBODY if self.wanted().narrows else _EMPTY)
        if count:
            self.table.selectRow(0)
        if self.model.wanted == self.wanted():
            self._enter.answer()

    def _open(self, index: QModelIndex) -> None:
        patient = self.model.patient_id(index.row()) if index.isValid() else None
        if patient is not None:
            self._open_patient(patient)

    def _open_first(self) -> None:
        self._open(
            self.table.currentIndex() if self.table.currentIndex().isValid() else self.model.index(0, 0)
        )
