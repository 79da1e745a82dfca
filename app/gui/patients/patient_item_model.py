"""The patient list as an item model that fetches pages in the background as rows come into view."""

from datetime import date
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.clinical.age import age_days, age_days_at
from app.clinical.ids import PatientId
from app.gui.session import OpenSession
from app.gui.shell.column_fit import CELL_WORDS
from app.store.patient_query import EVERYBODY, PatientFilter, PatientRow

PAGE = 200
COLUMNS = (
    *("Name", "Record number", "Born", "Age", "Sex"),
    *("Notes", "Findings", "Last activity", "Confirmed diagnosis"),
)
_NUMBERS = {3, 5, 6}
Index = QModelIndex | QPersistentModelIndex


class PatientItemModel(QAbstractTableModel):
    """Rows by number; a row that is not here yet shows a dash and asks for its page."""

    counted = Signal(int)

    def __init__(self, session: OpenSession, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._filter = EVERYBODY
        self._count = 0
        self._pages: dict[int, list[PatientRow]] = {}
        self._asked: set[int] = set()
        self._turn = 0

    def show(self, wanted: PatientFilter) -> None:
        """Show the patients that a filter lets through; the old rows stay until the new are here."""
        self._filter = wanted
        self._turn += 1
        turn, vault = self._turn, self._session.vault
        self._session.runner.read(
            lambda: (turn, vault.patient_count(wanted), vault.patients(wanted, limit=PAGE)), self._reset
        )

    @property
    def wanted(self) -> PatientFilter:
        """The filter that was asked for last."""
        return self._filter

    def clear(self) -> None:
        """Forget every row."""
        self._turn += 1
        self.beginResetModel()
        self._filter, self._count, self._pages, self._asked = EVERYBODY, 0, {}, set()
        self.endResetModel()

    def patient_id(self, row: int) -> PatientId | None:
        """Who stands in a row; None while its page is on the way."""
        found = self._row(row)
        return None if found is None else found.id

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's name and default)
        """How many patients the filter lets through."""
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 (Qt's name and default)
        """How many columns there are."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Column titles."""
        if orientation is Qt.Orientation.Horizontal and role in CELL_WORDS:
            return COLUMNS[section]
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """One cell."""
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        if role not in CELL_WORDS:
            return None
        found = self._row(index.row())
        if found is None:
            return "–" if role == Qt.ItemDataRole.DisplayRole else None
        return cells(found, self._session.around.today())[index.column()]

    def _row(self, row: int) -> PatientRow | None:
        page = self._pages.get(row // PAGE)
        if page is None:
            self._ask(row // PAGE)
            return None
        return page[row % PAGE] if row % PAGE < len(page) else None

    def _ask(self, number: int) -> None:
        if number in self._asked:
            return
        self._asked.add(number)
        turn, wanted, vault = self._turn, self._filter, self._session.vault
        self._session.runner.read(
            lambda: (turn, number, vault.patients(wanted, limit=PAGE, offset=number * PAGE)), self._take
        )

    def _reset(self, answer: tuple[int, int, list[PatientRow]]) -> None:
        turn, count, first = answer
        if turn != self._turn:
            return
        self.beginResetModel()
        self._count, self._pages, self._asked = count, {0: first}, {0}
        self.endResetModel()
        self.counted.emit(count)

    def _take(self, answer: tuple[int, int, list[PatientRow]]) -> None:
        turn, number, page = answer
        if turn != self._turn:
            return
        self._pages[number] = page
        last = min((number + 1) * PAGE, self._count) - 1
        self.dataChanged.emit(self.index(number * PAGE, 0), self.index(last, len(COLUMNS) - 1))


def cells(row: PatientRow, today: date) -> tuple[str, ...]:
    """A patient's cells as text, in the order of COLUMNS."""
    return (
        row.name or "(no name)",
        row.record_number or "–",
        row.birth_date or "–",
        _age(row, today),
        row.sex.capitalize() if row.sex != "UNKNOWN" else "–",
        str(row.note_count),
        str(row.finding_count),
        row.last_activity[:10] or "–",
        row.confirmed or "–",
    )


def _age(row: PatientRow, today: date) -> str:
    """How old she is; of who has died, that she has, and how old she was then as far as is known."""
    if row.died is None:
        return age_text(row.birth_date, today)
    return f"died {age_at(row.birth_date, row.died)}".removesuffix(" –")


def age_text(birth_date: str, today: date) -> str:
    """An age as clinicians say it: days, weeks, months, then years."""
    return _in_words(age_days(birth_date, today))


def age_at(birth_date: str, when: str) -> str:
    """The same at an ISO date, or date and time."""
    return _in_words(age_days_at(birth_date, when))


def _in_words(days: int | None) -> str:
    if days is None:
        return "–"
    for limit, length, unit in ((28, 1, "d"), (92, 7, "wk"), (731, 30.44, "mo")):
        if days < limit:
            return f"{int(days / length)} {unit}"
    return f"{int(days / 365.25)} y"


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)
