"""The popup that finds a term: type, choose with the arrows, take it with Enter."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.gui.operations.runner import OperationRunner
from app.gui.shell.furniture import button, label, row
from app.workflows.search_terms import TermCatalogue, TermHit
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId

HIT = Qt.ItemDataRole.UserRole
_MOVES = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp}


class TermSearch(QObject):
    """A small dialog over the note; `taken` receives the term and the state."""

    def __init__(self, parent: QWidget, catalogue: TermCatalogue, runner: OperationRunner) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._runner = runner
        self._taken: Callable[[TermId, FindingState], object] = lambda _term, _state: None
        self.dialog = QDialog(parent)
        self.dialog.setModal(True)
        self.dialog.setMinimumSize(520, 420)
        self.quote = label("", "muted", wrap=True)
        self.query = QLineEdit(placeholderText="Term, synonym or HP: number", clearButtonEnabled=True)
        self.hits = QListWidget()
        self.state = QComboBox()
        self.state.addItem("Present (observed)", FindingState.OBSERVED)
        self.state.addItem("Absent (excluded)", FindingState.EXCLUDED)
        self._lay_out()
        self.query.textChanged.connect(self._search)
        self.query.installEventFilter(self)
        self.query.returnPressed.connect(self.take)
        self.hits.itemActivated.connect(lambda _item: self.take())

    def ask(
        self,
        *,
        title: str,
        quote: str,
        query: str,
        state: FindingState,
        taken: Callable[[TermId, FindingState], object],
    ) -> None:
        """Open the popup with a first query, usually the marked words."""
        self._taken = taken
        self.dialog.setWindowTitle(title)
        self.quote.setText(f"“{quote}”" if quote else "")
        self.state.setCurrentIndex(self.state.findData(state))
        self.query.setText(query)
        self.query.selectAll()
        self._search(query)
        self.dialog.open()
        self.query.setFocus()

    def take(self) -> None:
        """Hand over the chosen term and close."""
        item: QListWidgetItem | None = self.hits.currentItem()
        if item is None:
            return
        self.dialog.accept()
        self._taken(item.data(HIT).term_id, self.state.currentData())

    def clear(self) -> None:
        """Forget the words that were to be marked, and what to do with the term."""
        self.dialog.hide()
        self._taken = lambda _term, _state: None
        self.query.blockSignals(True)
        self.query.setText("")
        self.query.blockSignals(False)
        self.quote.clear()
        self.hits.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys in the search field move through the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVES:
            self.hits.event(event)
            return True
        return False

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.dialog)
        column.setSpacing(10)
        column.addWidget(self.quote)
        column.addLayout(row(self.query, self.state))
        column.addWidget(self.hits, 1)
        hint = label("↑ ↓ choose, Enter takes, Esc leaves", "small")
        take = button("Take term", self.take, role="primary")
        column.addLayout(row(hint, None, button("Cancel", self.dialog.reject), take))
        self.query.setAccessibleName("Search a term")
        self.hits.setAccessibleName("Terms found")
        self.state.setAccessibleName("Present or absent")

    def _search(self, text: str) -> None:
        self._runner.read(lambda: (text, self._catalogue.search(text)), self._show)

    def _show(self, answer: tuple[str, tuple[TermHit, ...]]) -> None:
        text, hits = answer
        if text != self.query.text():
            return
        self.hits.clear()
        for hit in hits:
            also = f"   (also: {hit.synonym})" if hit.synonym else ""
            item = QListWidgetItem(f"{hit.name}{also}", self.hits)
            item.setData(HIT, hit)
            item.setToolTip(hit.term_id)
        self.hits.setCurrentRow(0)
