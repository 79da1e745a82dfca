"""What an empty list says instead of nothing."""

from PySide6.QtCore import QObject, Qt, Slot
from PySide6.QtWidgets import QAbstractItemView, QVBoxLayout

from app.gui.shell.furniture import label


class EmptyWords(QObject):
    """Shows words in the middle of a list for as long as it holds no row, and as long as the list lives."""

    def __init__(self, view: QAbstractItemView, words: str) -> None:
        shown = label(words, "muted", wrap=True)
        super().__init__(shown)
        self._rows, self._words = view.model(), shown
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        QVBoxLayout(view.viewport()).addWidget(self._words)
        for changed in (self._rows.rowsInserted, self._rows.rowsRemoved, self._rows.modelReset):
            changed.connect(self.tell)
        self.tell()

    def say(self, words: str) -> None:
        """Other words from now on."""
        self._words.setText(words)

    @Slot()
    def tell(self) -> None:
        """Rows have come or gone."""
        self._words.setVisible(self._rows.rowCount() == 0)
