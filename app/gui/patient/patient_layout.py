"""Where the parts of the patient page stand: three columns, or two with tabs in a small window."""

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSplitter, QStackedWidget, QTabWidget, QWidget

from app.gui.shell.furniture import card, label, row
from app.gui.shell.width_watch import WidthWatch
from app.gui.theme.look import Look

ROOM_FOR_THREE = 1000  # pixels at 100 % text


@dataclass(frozen=True)
class _Part:
    frame: QFrame
    title: QLabel


class PatientLayout:
    """Time line and findings at the left, the note in the middle, the differential at the right.

    Where that is too wide, the note stands at the left and the others are tabs beside it.
    """

    def __init__(
        self, look: Look, note: QWidget, *, timeline: QWidget, findings: QWidget, differential: QWidget
    ) -> None:
        self._look = look
        self._note = note
        self._timeline = _part("Time line", timeline)
        self._findings = _part("Findings", findings)
        self._differential = _part("Differential", differential)
        self._left = _splitter(Qt.Orientation.Vertical)
        self._columns = _splitter(Qt.Orientation.Horizontal)
        self._pair = _splitter(Qt.Orientation.Horizontal)
        self.tabs = QTabWidget()
        self.tabs.setAccessibleName("Differential, findings and time line")
        self.widget = QStackedWidget()
        self.widget.addWidget(self._columns)
        self.widget.addWidget(self._pair)
        self._columns.addWidget(self._left)
        self._pair.addWidget(self.tabs)
        self._narrow = True
        self._to_columns()
        self._watch = WidthWatch(self.widget, look, self._fit)

    def name_findings(self, title: str) -> None:
        """Tell how many findings there are, on the tab too."""
        self._findings.title.setText(title)
        if self._narrow:
            self.tabs.setTabText(1, title)

    def _fit(self, width: float) -> None:
        if width < ROOM_FOR_THREE and not self._narrow:
            self._to_tabs()
        elif width >= ROOM_FOR_THREE and self._narrow:
            self._to_columns()
        self._keep_least()

    def _to_columns(self) -> None:
        self._narrow = False
        self._left.addWidget(self._timeline.frame)
        self._left.addWidget(self._findings.frame)
        self._columns.addWidget(self._note)
        self._columns.addWidget(self._differential.frame)
        self._left.setSizes([430, 330])
        self._columns.setSizes([250, 560, 410])
        self._columns.setStretchFactor(1, 1)
        self._finish(self._columns)

    def _to_tabs(self) -> None:
        self._narrow = True
        for part in (self._differential, self._findings, self._timeline):
            self.tabs.addTab(part.frame, part.title.text())
        self._pair.insertWidget(0, self._note)
        self._pair.setSizes([480, 460])
        self._finish(self._pair)

    def _finish(self, shown: QSplitter) -> None:
        for part in (self._differential, self._findings, self._timeline):
            part.title.setVisible(not self._narrow)
            if not self._narrow:
                part.frame.show()  # a tab that was not in front left it hidden
        self._note.show()
        self.widget.setCurrentWidget(shown)

    def _keep_least(self) -> None:
        """The least widths, at the scale of the text."""
        px = self._look.px
        self._left.setMinimumWidth(px(170))
        self._note.setMinimumWidth(px(290))
        self._differential.frame.setMinimumWidth(px(270))


def _part(title: str, content: QWidget) -> _Part:
    frame, column = card(margin=0, spacing=2)
    name = label(title, "heading")
    name.setContentsMargins(14, 10, 10, 2)
    head: QHBoxLayout = row(name)
    column.addLayout(head)
    column.addWidget(content, 1)
    return _Part(frame, name)


def _splitter(orientation: Qt.Orientation) -> QSplitter:
    made = QSplitter(orientation)
    made.setHandleWidth(10)
    made.setChildrenCollapsible(False)
    return made
