"""The popup in which something is found: type, choose with the arrows, take it with Enter."""

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QWidget,
)

from app.gui.operations.runner import OperationRunner
from app.gui.shell.awaited_enter import AwaitedEnter
from app.gui.shell.dialogs import open_over, size_within
from app.gui.shell.empty_words import EmptyWords
from app.gui.shell.furniture import button, foot, label
from app.gui.theme.look import Look

TYPING_PAUSE_MS = 120
HIT = Qt.ItemDataRole.UserRole
_HINT = "↑ ↓ choose, Enter takes, Esc leaves"
_BEGIN = "Type a few letters of the name, or a number."
_NOTHING = "Nothing fits. Try other words, or fewer letters."
_ENTER = {Qt.Key.Key_Return, Qt.Key.Key_Enter}
_MOVES = {Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp}
Hit = TypeVar("Hit")


class SearchPopup(QObject, Generic[Hit]):
    """A modal dialog with a field and a list of hits; whoever owns it lays it out."""

    def __init__(
        self,
        parent: QWidget,
        look: Look,
        runner: OperationRunner,
        *,
        search: Callable[[str], tuple[Hit, ...]],
        wording: Callable[[Hit], tuple[str, str]],
        taken: Callable[[Hit], object],
    ) -> None:
        """`wording` gives a hit's line and its tool tip; `taken` receives the chosen hit."""
        super().__init__(parent)
        self._look, self._runner = look, runner
        self._search_for = search
        self._wording = wording
        self._taken = taken
        self.dialog = QDialog(parent)
        self.dialog.setModal(True)
        self.query = QLineEdit(clearButtonEnabled=True)
        self.hits = QListWidget()
        self.hits.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._empty = EmptyWords(self.hits, _BEGIN)
        self._pause = QTimer(self.dialog, singleShot=True, interval=TYPING_PAUSE_MS)
        self._pause.timeout.connect(self._search)
        self.query.textChanged.connect(lambda _text: self._pause.start())
        self.query.installEventFilter(self)
        self._enter = AwaitedEnter(self.query, self.take)
        self.hits.itemActivated.connect(lambda _item: self.take())
        self.dialog.rejected.connect(self._give_up)

    def open(self, query: str = "") -> None:
        """Show the popup with a first query."""
        self.query.setText(query)
        self.query.selectAll()
        self._enter.expect()
        self._search()
        self.dialog.resize(size_within(self.dialog, self._look, 560, 420))
        open_over(self.dialog)
        self.query.setFocus()

    def last_line(self, take: QPushButton) -> QHBoxLayout:
        """The keys in words, and the buttons that leave and that take."""
        return foot(label(_HINT, "small"), button("Cancel", self.dialog.reject), take)

    def take(self) -> None:
        """Hand over the chosen hit and close."""
        hit = self.current()
        if hit is not None:
            self.dialog.accept()
            self._taken(hit)

    def current(self) -> Hit | None:
        """The chosen hit."""
        item: QListWidgetItem | None = self.hits.currentItem()
        chosen: Hit | None = item.data(HIT) if item is not None else None
        return chosen

    def clear(self) -> None:
        """Close, and forget what was typed and found."""
        self._pause.stop()
        self.dialog.hide()
        self.query.blockSignals(True)
        self.query.setText("")
        self.query.blockSignals(False)
        self.hits.clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """In the search field arrow keys move through the list, and Enter takes; it presses no button."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() in _MOVES:
            self.hits.event(event)
        elif event.key() in _ENTER:
            self._enter.press()
        else:
            return False
        return True

    def _search(self) -> None:
        """Look for what stands in the field."""
        self._pause.stop()
        text = self.query.text()
        self._runner.read(lambda: (text, self._search_for(text)), self._show)

    def _give_up(self) -> None:
        """An answer that comes later is taken by nobody, Enter or not."""
        self._pause.stop()
        self._enter.expect()

    def _show(self, answer: tuple[str, tuple[Hit, ...]]) -> None:
        text, hits = answer
        if text != self.query.text():
            return
        self.hits.clear()
        self._empty.say(_NOTHING if text.strip() else _BEGIN)
        for hit in hits:
            line, tip = self._wording(hit)
            item = QListWidgetItem(line, self.hits)
            item.setData(HIT, hit)
            item.setToolTip(tip)
        self.hits.setCurrentRow(0)
        self._enter.answer()
