"""A change of theme or text size: each widget is dressed a few times, whatever lies around it."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.gui.theme.look import Look
from app.gui.theme.palette import DARK

DEPTH = 12


class Dressings(QObject):
    """Counts how often a widget's style changes."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.StyleChange
        return False


def nest(qtbot: QtBot) -> tuple[QWidget, QLabel]:
    """A shown label with many frames around it."""
    outer: QWidget = QWidget()
    qtbot.addWidget(outer)
    inner = outer
    for _level in range(DEPTH):
        frame = QFrame()
        QVBoxLayout(inner).addWidget(frame)
        inner = frame
    words = QLabel("Findings")
    QVBoxLayout(inner).addWidget(words)
    outer.show()
    return outer, words


def test_what_lies_deep_inside_is_dressed_no_more_often_than_what_holds_it(qtbot: QtBot) -> None:
    look = Look()
    look.apply()
    outer, words = nest(qtbot)
    around, inside = Dressings(outer), Dressings(words)
    look.set_theme(DARK.name)
    assert 0 < inside.count <= around.count + 1
    assert words.palette().color(words.foregroundRole()).name() == DARK.text


def test_a_larger_size_reaches_what_lies_deep_inside(qtbot: QtBot) -> None:
    look = Look()
    look.apply()
    _outer, words = nest(qtbot)
    before = words.fontInfo().pixelSize()
    look.set_percent(200)
    assert words.fontInfo().pixelSize() == 2 * before
