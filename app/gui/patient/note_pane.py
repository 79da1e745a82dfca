"""The note with its tools: go through suggestions, accept, reject, change, add, undo."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.clinical.note import EnteredInError, Note
from app.gui.patient.mark import Mark, neighbour
from app.gui.patient.note_view import NoteView
from app.gui.shell.elided_label import ElidedLabel
from app.gui.shell.furniture import card, label, row
from app.gui.shell.width_watch import WidthWatch
from app.gui.theme.icons import icon
from app.gui.theme.look import Look
from app.gui.writing.error_dialog import told

Deed = Callable[[], object]


@dataclass(frozen=True)
class NoteDeeds:
    """What the pane asks for; who holds the chart does it."""

    accept: Deed
    reject: Deed
    toggle: Deed
    change: Deed
    add: Deed
    remove: Deed
    undo: Deed
    redo: Deed
    next_note: Deed
    previous_note: Deed
    write: Deed
    error: Deed


_TOOLS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("previous", "previous", "Previous suggestion", ("K", "Alt+Up")),
    ("next", "next", "Next suggestion", ("J", "Alt+Down")),
    ("accept", "accept", "Accept suggestion", ("A", "Return", "Enter")),
    ("reject", "reject", "Reject suggestion", ("X",)),
    ("toggle", "state", "Present ↔ absent", ("N",)),
    ("change", "change", "Change the term", ("C",)),
    ("add", "add", "Mark the selected words", ("M", "Ins")),
    ("remove", "remove", "Take the mark back", ("Del",)),
    ("undo", "undo", "Undo", ("Ctrl+Z",)),
    ("redo", "redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y")),
)
_WORDS = {"accept": "Accept", "reject": "Reject", "toggle": "State", "change": "Change", "add": "Mark"}
_MOVES = ("previous", "next")
NO_NOTE = "This chart holds no text."
ROOM_FOR_NEW = 520  # pixels at 100 % text
_FEW_WORDS = ("accept", "reject")
IN_ERROR, COUNT_AGAIN, ERROR_KEY = "Entered in error…", "Let the note count again…", "Ctrl+Del"
_MENU = ("accept", "reject", "toggle", "change", "remove", "add")


class NotePane:
    """Shows one note; the current mark is where accept, reject and change apply."""

    def __init__(self, look: Look, deeds: NoteDeeds) -> None:
        self._look = look
        self._marks: tuple[Mark, ...] = ()
        self.view = NoteView(look)
        self.title = ElidedLabel("heading")
        self.subtitle = ElidedLabel("small")
        self.current = ElidedLabel("muted")
        self.left = label("", "badge")
        self.error, self._above = label("", "error", wrap=True), QWidget()
        self._counts = True
        self._tools: dict[str, QToolButton] = {}
        self.widget, column = card(margin=0, spacing=0)
        moves = {"previous": lambda: self.move(-1), "next": lambda: self.move(1)}
        self.actions = {
            name: self._action(name, tip, keys, moves.get(name) or getattr(deeds, name))
            for name, _icon, tip, keys in _TOOLS
        }
        self._lay_out(column, deeds)
        self.view.mark_chosen.connect(self.choose_id)
        self.view.menu_wanted.connect(self._menu)
        look.follow(self.widget, self._redraw)

    def show_note(self, note: Note, number: int, count: int) -> None:
        """Show a note: the `number`th of `count`."""
        self.view.setPlaceholderText("")
        self.actions["write"].setEnabled(True)
        self.title.setText(note.title or "Note")
        said = (note.written_at[:10], note.author, f"{number} of {count}")
        self.actions["earlier"].setEnabled(number > 1)
        self.actions["later"].setEnabled(number < count)
        self.subtitle.setText("  ·  ".join(part for part in said if part))
        self._show_error(note.in_error)
        self.view.show_note(note.text, struck=note.in_error is not None)

    def show_marks(self, marks: tuple[Mark, ...]) -> None:
        """Show these marks; the current one stays current where it still stands."""
        self._marks = marks
        self.view.show_marks(marks)
        waiting = sum(m.suggested for m in marks)
        reviewed = f"{waiting:,} to review" if waiting else "All reviewed" if marks else "No findings"
        self.left.setText(reviewed if self._counts else "Counts nowhere")
        self.left.setVisible(not self.view.document().isEmpty())
        self._tell()

    def show_history(self, *, can_undo: bool, can_redo: bool) -> None:
        """Enable undo and redo."""
        self.actions["undo"].setEnabled(can_undo)
        self.actions["redo"].setEnabled(can_redo)

    def move(self, step: int) -> None:
        """Go to the next (+1) or previous (-1) suggestion."""
        self.choose(neighbour(self._marks, self.view.current, self.view.cursor_offset(), step))

    def choose(self, mark: Mark | None) -> None:
        """Make a mark the current one."""
        self.view.choose(mark)
        self._tell()

    def choose_id(self, mark_id: str) -> None:
        """Make the mark of that id the current one, where it is shown."""
        self.choose(next((m for m in self._marks if m.id == mark_id), None))

    def move_on(self, left: Mark) -> None:
        """After a decision: on to the next suggestion, if one waits; else stay."""
        waiting = tuple(m for m in self._marks if m.suggested)
        if waiting:
            later = [m for m in waiting if (m.start, m.end) > (left.start, left.end)]
            self.choose((later or list(waiting))[0])

    def writing(self) -> tuple[QAction, ...]:
        """What changes marks."""
        marking = (self.actions[name] for name, *_rest in _TOOLS if name not in _MOVES)
        return (*marking, self.actions["write"], self.actions["error"])

    def clear(self) -> None:
        """Forget the note."""
        self.actions["write"].setEnabled(False)
        self._show_error(None)
        self.actions["error"].setEnabled(False)
        for part in (self.title, self.subtitle, self.current):
            part.setText("")
        self.view.setPlaceholderText("")
        self.view.show_note("")
        self.show_marks(())

    def show_empty(self) -> None:
        """Say that the chart holds no note."""
        self._show_error(None)
        for name in ("earlier", "later", "error", "add"):
            self.actions[name].setEnabled(False)
        self.actions["write"].setEnabled(True)
        self.title.setText("No notes")
        self.subtitle.setText("Ctrl+N writes one")
        self.view.setPlaceholderText(NO_NOTE)
        self.view.show_note("")
        self.show_marks(())

    def _show_error(self, error: EnteredInError | None) -> None:
        """Say above the note that it counts nowhere; nothing in it can be marked then."""
        self._counts = error is None
        self._above.setVisible(not self._counts)
        self.error.setText("" if error is None else told(error))
        tip = IN_ERROR if self._counts else COUNT_AGAIN
        self.actions["error"].setText(tip)
        self.actions["error"].setToolTip(f"{tip}  ({ERROR_KEY})")
        self.actions["error"].setEnabled(True)
        self.actions["add"].setEnabled(self._counts)

    def _action(self, name: str, tip: str, keys: tuple[str, ...], act: Deed) -> QAction:
        action = QAction(tip, self.widget)
        action.setIconText(_WORDS.get(name, tip))
        action.setShortcuts([QKeySequence(key) for key in keys])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setToolTip(f"{tip}  ({' or '.join(keys[:2])})")
        action.triggered.connect(lambda _checked=False: act())
        self.widget.addAction(action)
        return action

    def _lay_out(self, column: QVBoxLayout, deeds: NoteDeeds) -> None:
        column.addLayout(self._head(deeds))
        column.addWidget(_line())
        above = row(self.error)
        above.setContentsMargins(10, 8, 10, 0)
        self._above.setLayout(above)
        self._above.hide()
        column.addWidget(self._above)
        column.addWidget(self.view, 1)
        column.addWidget(_line())
        column.addLayout(self._status())
        column.addWidget(_line())
        column.addWidget(self._tool_bar())

    def _head(self, deeds: NoteDeeds) -> QHBoxLayout:
        """What the note is called, and the deeds on notes rather than marks."""
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 10, 8)
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addWidget(self.title)
        words.addWidget(self.subtitle)
        head.addLayout(words, 1)
        self.actions["write"] = self._note_action("New note", "Ctrl+N", deeds.write)
        self.actions["write"].setIconText("New note…")
        self._new = QToolButton()
        self._new.setDefaultAction(self.actions["write"])
        self._new.setProperty("role", "tool")
        head.addWidget(self._new)
        self.actions["error"] = self._note_action(IN_ERROR, ERROR_KEY, deeds.error)
        self._strike = QToolButton()
        self._strike.setDefaultAction(self.actions["error"])
        head.addWidget(self._strike)
        for name, tip, key, act in (
            ("earlier", "Earlier note", "PgUp", deeds.previous_note),
            ("later", "Later note", "PgDown", deeds.next_note),
        ):
            self.actions[name] = self._note_action(tip, f"Ctrl+{key}", act)
            turn = QToolButton()
            turn.setDefaultAction(self.actions[name])
            head.addWidget(turn)
        return head

    def _status(self) -> QHBoxLayout:
        """What the current mark says, and what is left to do; the former gives way."""
        made = row(self.current, self.left)
        made.setStretch(0, 1)
        made.setContentsMargins(16, 6, 12, 6)
        return made

    def _note_action(self, tip: str, key: str, act: Deed) -> QAction:
        action = QAction(tip, self.widget)
        action.setEnabled(False)
        action.setShortcut(QKeySequence(key))
        action.setToolTip(f"{tip}  ({key})")
        action.triggered.connect(lambda _checked=False: act())
        self.widget.addAction(action)  # its key works where its button has no room
        return action

    def _tool_bar(self) -> QWidget:
        made = QWidget()
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        bar = QHBoxLayout(made)
        bar.setContentsMargins(10, 6, 10, 6)
        bar.setSpacing(2)
        for name, _picture, _tip, _keys in _TOOLS:
            if name == "undo":
                bar.addStretch(1)
            tool = QToolButton()
            tool.setDefaultAction(self.actions[name])
            tool.setProperty("role", "tool")
            self._tools[name] = tool
            bar.addWidget(tool)
        self._watch = WidthWatch(made, self._look, lambda _width: self._fit_words(made))
        self._redraw()
        return made

    def _redraw(self) -> None:
        """Icons in the theme's colours."""
        look, side = self._look, self._look.px(16)
        for name, picture, _tip, _keys in _TOOLS:
            role = {"accept": "good", "reject": "bad"}.get(name, "muted")
            self.actions[name].setIcon(icon(look, picture, role=role))
        for name, picture in (
            ("earlier", "previous"),
            ("later", "next"),
            ("write", "write"),
            ("error", "strike"),
        ):
            self.actions[name].setIcon(icon(look, picture))
        for tool in (*self.widget.findChildren(QToolButton), *self._tools.values()):
            tool.setIconSize(QSize(side, side))

    def _fit_words(self, bar: QWidget) -> None:
        """Words beside the icons, as many as there is room for."""
        beside, alone = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        roomy = bar.width() > self._look.px(ROOM_FOR_NEW)
        self._new.setToolButtonStyle(beside if roomy else alone)
        self._strike.setVisible(roomy)  # the menu has it, too; whose note it is comes first
        for worded in (tuple(_WORDS), _FEW_WORDS, ()):
            for name, tool in self._tools.items():
                tool.setToolButtonStyle(beside if name in worded else alone)
            if sum(tool.sizeHint().width() + 2 for tool in self._tools.values()) + 20 <= bar.width():
                return

    def _tell(self) -> None:
        mark = self.view.current_mark()
        waiting = any(m.suggested for m in self._marks)
        hint = "J: first suggestion" if waiting else "Select words and press M to mark a finding"
        if self.view.document().isEmpty():
            hint = "Without a note the differential uses coded findings"
        elif not self._counts:
            hint = f"Counts nowhere. {ERROR_KEY} lets it count again"
        self.current.setText(mark.sentence() if mark else hint)
        for name in ("accept", "reject", "toggle", "change", "remove"):
            self.actions[name].setEnabled(mark is not None)

    def _menu(self, at: QPoint) -> None:
        menu = QMenu(self.widget)
        for name in _MENU:
            menu.addAction(self.actions[name])
        menu.addSeparator()
        menu.addAction(self.actions["error"])
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)


def _line() -> QFrame:
    made = QFrame()
    made.setProperty("role", "line")
    return made
