"""The popup that finds a disease outside the differential, to confirm it or to take the word back."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.clinical.diagnosis import Decision
from app.gui.operations.runner import OperationRunner
from app.gui.shell.furniture import button, label, row
from app.workflows.search_diseases import DiseaseHit, search_diseases
from knowledge_graph.graph.compiled_graph import CompiledGraph

HIT = Qt.ItemDataRole.UserRole
_MOVES = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp}


class DiseaseSearch(QObject):
    """A small dialog; `taken` receives the disease and what is said of it."""

    def __init__(
        self,
        parent: QWidget,
        graph: CompiledGraph,
        runner: OperationRunner,
        *,
        decision_of: Callable[[str], Decision | None],
        taken: Callable[[DiseaseHit, Decision], object],
    ) -> None:
        super().__init__(parent)
        self._graph = graph
        self._runner = runner
        self._decision_of = decision_of
        self._taken = taken
        self.dialog = QDialog(parent)
        self.dialog.setWindowTitle("Another diagnosis")
        self.dialog.setModal(True)
        self.dialog.setMinimumSize(560, 420)
        self.query = QLineEdit(placeholderText="Disease, OMIM: or ORPHA: number", clearButtonEnabled=True)
        self.hits = QListWidget()
        self.take_button = button("Confirm", self.take, role="primary")
        self._lay_out()
        self.query.textChanged.connect(self._search)
        self.query.installEventFilter(self)
        self.query.returnPressed.connect(self.take)
        self.hits.itemActivated.connect(lambda _item: self.take())
        self.hits.currentItemChanged.connect(lambda *_: self._name_deed())

    def ask(self) -> None:
        """Open the popup with an empty query."""
        self.clear()
        self._name_deed()
        self.dialog.open()
        self.query.setFocus()

    def take(self) -> None:
        """Say the word on the chosen disease and close."""
        hit = self._current()
        if hit is not None:
            self.dialog.accept()
            self._taken(hit, self._word_on(hit))

    def clear(self) -> None:
        """Forget what was typed."""
        self.dialog.hide()
        self.query.blockSignals(True)
        self.query.clear()
        self.query.blockSignals(False)
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
        why = "For a diagnosis that the differential does not list. It is a label that the model learns from."
        column.addWidget(label(why, "muted", wrap=True))
        column.addWidget(self.query)
        column.addWidget(self.hits, 1)
        hint = label("↑ ↓ choose, Enter takes, Esc leaves", "small")
        column.addLayout(row(hint, None, button("Cancel", self.dialog.reject), self.take_button))
        self.query.setAccessibleName("Search a disease")
        self.hits.setAccessibleName("Diseases found")

    def _search(self, text: str) -> None:
        self._runner.read(lambda: (text, search_diseases(self._graph, text)), self._show)

    def _show(self, answer: tuple[str, tuple[DiseaseHit, ...]]) -> None:
        text, hits = answer
        if text != self.query.text():
            return
        self.hits.clear()
        for hit in hits:
            said = self._decision_of(hit.disease_id)
            item = QListWidgetItem(
                f"{hit.name}   {hit.disease_id}" + (f"   ({said})" if said else ""), self.hits
            )
            item.setData(HIT, hit)
            item.setToolTip(item.text())
        self.hits.setCurrentRow(0)

    def _current(self) -> DiseaseHit | None:
        item: QListWidgetItem | None = self.hits.currentItem()
        return item.data(HIT) if item is not None else None

    def _word_on(self, hit: DiseaseHit) -> Decision:
        confirmed = self._decision_of(hit.disease_id) is Decision.CONFIRMED
        return Decision.WITHDRAWN if confirmed else Decision.CONFIRMED

    def _name_deed(self) -> None:
        hit = self._current()
        self.take_button.setEnabled(hit is not None)
        withdraws = hit is not None and self._word_on(hit) is Decision.WITHDRAWN
        self.take_button.setText("Take back" if withdraws else "Confirm")
