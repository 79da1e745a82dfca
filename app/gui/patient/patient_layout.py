"""Where the parts of the patient page stand: three columns, or two with tabs in a small window."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.shell.furniture import card, label, row
from app.gui.shell.width_watch import WidthWatch
from app.gui.theme.look import Look

ROOM_FOR_THREE, ROOM_TO_SHARE = 1000, 1300  # pixels at 100 % text
COLUMNS = (250, 560, 410)  # time line and findings, the note, the differential


@dataclass(frozen=True)
class Part:
    """A part of the page beside the note: a card of its own where there is room, else a tab."""

    title: str
    content: QWidget
    height: int = 330  # its share of its column, in pixels


@dataclass(frozen=True)
class _Card:
    frame: QFrame
    column: QVBoxLayout
    title: QLabel
    height: int


class PatientLayout:
    """Some parts at the left, the note in the middle, others at the right, each side from top to bottom.

    Where that is too wide, the note stands at the left and the parts are tabs beside it: those of the
    right first, then those of the left from the bottom.
    """

    def __init__(self, look: Look, note: QWidget, *, left: Sequence[Part], right: Sequence[Part]) -> None:
        self._look = look
        self._roomy: bool | None = None
        self._note = note
        self._cards = {part.title: _card(part) for part in (*left, *right)}
        self._sides = tuple([self._cards[part.title] for part in parts] for parts in (left, right))
        self._tab_order = [*self._sides[1], *reversed(self._sides[0])]
        self._left, self._right = _splitter(Qt.Orientation.Vertical), _splitter(Qt.Orientation.Vertical)
        self._columns = _splitter(Qt.Orientation.Horizontal)
        self._pair = _splitter(Qt.Orientation.Horizontal)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Differential, findings and time line")
        self.widget = QStackedWidget()
        self.widget.addWidget(self._columns)
        self.widget.addWidget(self._pair)
        self._columns.addWidget(self._left)
        self._pair.addWidget(self.tabs)
        self._to_tabs()  # the least that it can be, so that the window need not grow before it is fitted
        self._keep_least()
        self._watch = WidthWatch(self.widget, look, self._fit)

    def rename(self, part: str, title: str) -> None:
        """Give a part another heading, on its tab too: how many there are, for instance."""
        named = self._cards[part]
        named.title.setText(title)
        if self._narrow:
            self.tabs.setTabText(self._tab_order.index(named), title)

    def turn_to(self, part: str) -> None:
        """Bring a part to the front where it is a tab."""
        if self._narrow:
            self.tabs.setCurrentIndex(self._tab_order.index(self._cards[part]))

    def _fit(self, width: float) -> None:
        if width < ROOM_FOR_THREE and not self._narrow:
            self._to_tabs()
        elif width >= ROOM_FOR_THREE and self._narrow:
            self._to_columns()
        if not self._narrow:
            self._share_out(width)
        self._keep_least()

    def _share_out(self, width: float) -> None:
        """In a large window each column gets a share of what is left over; else the note gives and takes."""
        roomy = width >= ROOM_TO_SHARE
        if roomy == self._roomy:
            return
        self._roomy = roomy
        left_over = width - sum(COLUMNS) if roomy else 0.0
        shares = (1, 3, 2) if roomy else (0, 1, 0)
        for place, share in enumerate(shares):
            self._columns.setStretchFactor(place, share)
        wanted = [
            column + left_over * share / sum(shares) for column, share in zip(COLUMNS, shares, strict=True)
        ]
        wanted[1] = width - wanted[0] - wanted[2]
        self._columns.setSizes([self._look.px(column) for column in wanted])

    def _to_columns(self) -> None:
        self._narrow, self._roomy = False, None
        for column, cards in zip((self._left, self._right), self._sides, strict=True):
            for shown in cards:
                column.addWidget(shown.frame)
            column.setSizes([shown.height for shown in cards])
        self._columns.addWidget(self._note)
        self._columns.addWidget(self._right)
        self._finish(self._columns)

    def _to_tabs(self) -> None:
        self._narrow = True
        for shown in self._tab_order:
            self.tabs.addTab(shown.frame, shown.title.text())
        self._pair.insertWidget(0, self._note)
        self._pair.setSizes([480, 460])
        self._finish(self._pair)

    def _finish(self, shown: QSplitter) -> None:
        for part in self._tab_order:
            part.title.setVisible(not self._narrow)
            part.column.setContentsMargins(0, self._look.px(8) if self._narrow else 0, 0, 0)
            if not self._narrow:
                part.frame.show()  # a tab that was not in front left it hidden
        self._note.show()
        self.widget.setCurrentWidget(shown)

    def _keep_least(self) -> None:
        """The least widths, at the scale of the text."""
        px = self._look.px
        self._left.setMinimumWidth(px(170))
        self._note.setMinimumWidth(px(230))
        self._right.setMinimumWidth(px(270))


def _card(part: Part) -> _Card:
    frame, column = card(margin=0, spacing=2)
    name = label(part.title, "heading")
    name.setContentsMargins(14, 10, 10, 2)
    head: QHBoxLayout = row(name)
    column.addLayout(head)
    column.addWidget(part.content, 1)
    return _Card(frame, column, name, part.height)


def _splitter(orientation: Qt.Orientation) -> QSplitter:
    made = QSplitter(orientation)
    made.setHandleWidth(10)
    made.setChildrenCollapsible(False)
    return made
