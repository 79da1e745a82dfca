"""The navigation at the left: one button a page, the signed-in user, and the lock."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout

from app.gui.shell.furniture import label
from app.gui.theme.icons import icon, pixmap
from app.gui.theme.look import Look


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the window: its name, icon, title, key and what it is for."""

    name: str
    icon: str
    title: str
    key: str
    tip: str


PLACES = (
    Place("patients", "patients", "Patients", "Ctrl+1", "Find and open patients"),
    Place("patient", "patient", "Patient", "Ctrl+2", "The patient opened last"),
    Place("notes", "search", "Notes", "Ctrl+Shift+F", "Search the words of every note"),
    Place("training", "training", "Training", "Ctrl+3", "Learn privately from confirmed diagnoses"),
    Place("models", "models", "Models", "Ctrl+4", "Model versions, and going back"),
    Place("update", "update", "Update file", "Ctrl+5", "What leaves the hospital, and nothing else"),
    Place("audit", "audit", "Audit", "Ctrl+6", "Who did what, and whether the record is intact"),
    Place("about", "settings", "Settings", "Ctrl+7", "Appearance, people, policy, sources and licences"),
    Place("help", "help", "Help", "F1", "How to work with Anamnesis; every key"),
)


class Sidebar:
    """Shows where one is and leads elsewhere."""

    def __init__(self, look: Look, go: Callable[[str], object], lock: Callable[[], object]) -> None:
        self._look = look
        self.widget = QFrame()
        self.widget.setProperty("role", "sidebar")
        self.user = label("", "muted")
        self._group = QButtonGroup(self.widget)
        self._lock = self._tool("Lock", "Lock the vault  (Ctrl+L)", lock)
        self._buttons = {place.name: self._button(place, go) for place in PLACES}
        self._brand = QLabel()
        self._title = label("Anamnesis", "brand")
        self._compact = False
        self._lay_out()
        look.follow(self.widget, self._redraw)
        self._redraw()

    def show_place(self, name: str) -> None:
        """Mark a page as the one shown."""
        self._buttons[name].setChecked(True)

    def enable(self, name: str, enabled: bool) -> None:
        """Let a page be chosen or not."""
        self._buttons[name].setEnabled(enabled)

    def set_compact(self, compact: bool) -> None:
        """Icons alone in a small window; the tool tips tell their names and keys."""
        if compact == self._compact:
            return
        self._compact = compact
        style = Qt.ToolButtonStyle
        for tool in (*self._buttons.values(), self._lock):
            tool.setToolButtonStyle(style.ToolButtonIconOnly if compact else style.ToolButtonTextBesideIcon)
        self._title.setVisible(not compact)
        self.user.setVisible(not compact)
        self._fit()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.widget)
        column.setContentsMargins(8, 14, 8, 10)
        column.setSpacing(2)
        head = QHBoxLayout()
        head.setContentsMargins(7, 0, 0, 12)
        head.setSpacing(10)
        head.addWidget(self._brand)
        head.addWidget(self._title, 1)
        column.addLayout(head)
        for place in PLACES:
            if place.name == "about":
                column.addStretch(1)
            column.addWidget(self._buttons[place.name])
        line = QFrame()
        line.setProperty("role", "line")
        column.addWidget(line)
        column.addWidget(self._lock)
        self.user.setContentsMargins(10, 0, 0, 0)
        column.addWidget(self.user)

    def _button(self, place: Place, go: Callable[[str], object]) -> QToolButton:
        made = self._tool(place.title, f"{place.tip}  ({place.key})", lambda: go(place.name))
        made.setCheckable(True)
        if place.name != "help":  # the window answers that key: help is there without a vault as well
            made.setShortcut(QKeySequence(place.key))
        self._group.addButton(made)
        return made

    def _tool(self, text: str, tip: str, act: Callable[[], object]) -> QToolButton:
        made = QToolButton()
        made.setText(f"  {text}")
        made.setAccessibleName(text)
        made.setToolTip(tip)
        made.setProperty("role", "nav")
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        made.setSizePolicy(made.sizePolicy().Policy.Expanding, made.sizePolicy().Policy.Preferred)
        made.clicked.connect(lambda _checked=False: act())
        return made

    def _redraw(self) -> None:
        look = self._look
        self._fit()
        self._brand.setPixmap(pixmap(look, "anamnesis", size=26))
        size = QSize(look.px(18), look.px(18))
        for place in PLACES:
            self._buttons[place.name].setIcon(icon(look, place.icon))
        self._lock.setIcon(icon(look, "lock"))
        for tool in (*self._buttons.values(), self._lock):
            tool.setIconSize(size)
            tool.setMinimumHeight(look.px(25))  # with large text in a low window they stand closer

    def _fit(self) -> None:
        look = self._look
        self.widget.setFixedWidth(look.px(46) + 16 if self._compact else look.px(172))
