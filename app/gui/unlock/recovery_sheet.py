"""The card that shows recovery words once, and goes on when somebody says that they are on paper."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QPushButton, QWidget

from app.gui.shell.furniture import card, label, row


class RecoverySheet:
    """`go_on` waits for the tick; the other buttons stand at the left."""

    def __init__(self, title: str, about: str, go_on: QPushButton, *others: QPushButton) -> None:
        self._go_on = go_on
        self.words = label("", "words", wrap=True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.more = label("", wrap=True)
        self.noted = QCheckBox("I have written the words down")
        self.noted.toggled.connect(go_on.setEnabled)
        self.widget: QWidget
        self.widget, column = card(margin=22, spacing=14)
        column.addWidget(label(title, "heading"))
        column.addWidget(label(about, "muted", wrap=True))
        for part in (self.words, self.more, self.noted):
            column.addWidget(part)
        column.addLayout(row(*others, None, go_on))
        self.clear()

    def show(self, words: str, more: str = "") -> None:
        """Show words, and what else must be known before they count; the keyboard goes to the tick."""
        self.words.setText(numbered(words))
        self.more.setText(more)
        self.more.setVisible(bool(more))
        self.noted.setFocus()

    def clear(self) -> None:
        """Forget the words."""
        self.words.clear()
        self.more.clear()
        self.more.hide()
        self.noted.setChecked(False)
        self._go_on.setEnabled(False)


def numbered(words: str) -> str:
    """Recovery words in lines of three, each with its number; in columns where letters are equally wide."""
    each = [f"{i}. {word}" for i, word in enumerate(words.split(), start=1)]
    wide = max(len(word) for word in each) + 4
    lines = (each[i : i + 3] for i in range(0, len(each), 3))
    return "\n".join("".join(word.ljust(wide) for word in line).rstrip() for line in lines)
