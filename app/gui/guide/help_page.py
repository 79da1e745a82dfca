"""The help: short texts that ship with the program, and every key."""

from importlib import resources

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidgetItem, QSplitter, QTextBrowser

from app.gui.shell.furniture import card, page_frame
from app.gui.shell.reading import limit_lines, show_markdown
from app.gui.shell.worded_list import worded_list
from app.gui.theme.look import Look

TOPICS = (
    ("start", "First steps"),
    ("notes", "Reading notes"),
    ("differential", "The differential"),
    ("training", "Learning privately"),
    ("update", "The update file"),
    ("safety", "Safety and limits"),
    ("keys", "Keys"),
)

_TOPIC_OF = {
    "patients": "start",
    "patient": "differential",
    "note": "notes",
    "training": "training",
    "models": "training",
    "update": "update",
    "audit": "safety",
}


class HelpPage:
    """Topics at the left, the text at the right."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.topics = worded_list(look, "Help topics", role="bare")
        self.text = QTextBrowser()
        limit_lines(self.text, look)
        self.widget, column, _head = page_frame(
            "Help", "F1 opens it from anywhere, at what belongs to the page you are on."
        )
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(12)
        left, names = card(margin=8)
        right, body = card(margin=14)
        names.addWidget(self.topics)
        body.addWidget(self.text)
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([look.px(220), look.px(900)])
        column.addWidget(split, 1)
        self._fill()
        look.follow(self.widget, self._show)

    def turn_to(self, place: str) -> None:
        """Show what belongs to a page of the window, by its name; nothing else for a page without a topic."""
        names = [name for name, _title in TOPICS]
        if place in _TOPIC_OF:
            self.topics.setCurrentRow(names.index(_TOPIC_OF[place]))

    def _fill(self) -> None:
        self.text.setProperty("role", "bare")
        self.text.setAccessibleName("Help text")
        for name, title in TOPICS:
            QListWidgetItem(title, self.topics).setData(Qt.ItemDataRole.UserRole, name)
        self.topics.currentItemChanged.connect(lambda _new, _old: self._show())
        self.topics.setCurrentRow(0)

    def _show(self) -> None:
        item: QListWidgetItem | None = self.topics.currentItem()
        if item is not None:
            show_markdown(self.text, help_text(item.data(Qt.ItemDataRole.UserRole)), self._look)


def help_text(topic: str) -> str:
    """The text of a topic, as Markdown."""
    return (resources.files("resources") / "help" / f"{topic}.md").read_text(encoding="utf-8")
