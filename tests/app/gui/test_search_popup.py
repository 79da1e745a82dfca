"""The popup searches for what is typed, not for its every letter; Enter and Escape mean what stands there."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.gui.operations.runner import OperationRunner
from app.gui.patient.search_popup import SearchPopup
from app.gui.theme.look import Look


class Asked:
    """A popup over an empty window: what was searched for, and what was taken."""

    def __init__(self, qtbot: QtBot, runner: OperationRunner) -> None:
        self.searches, self.taken = list[str](), list[str]()
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.popup = SearchPopup[str](
            self.window, Look(), runner, search=self._search, wording=lambda hit: (hit, hit), taken=self._take
        )
        QVBoxLayout(self.popup.dialog).addWidget(self.popup.query)
        self.popup._pause.setInterval(600_000)  # however slow the machine, nobody types slower
        self.window.show()
        self.popup.open()

    def pause(self) -> None:
        """The typing has paused for long enough."""
        self.popup._pause.start(0)

    def _search(self, text: str) -> tuple[str, ...]:
        self.searches.append(text)
        return (f"hit of {text}",) if text else ()

    def _take(self, hit: str) -> None:
        self.taken.append(hit)


@pytest.fixture
def asked(qtbot: QtBot) -> Iterator[Asked]:
    runner = OperationRunner()
    made = Asked(qtbot, runner)
    qtbot.waitUntil(lambda: made.searches == [""])
    yield made
    runner.close()


def test_a_word_typed_without_a_pause_is_one_search_and_enter_waits_for_it(
    qtbot: QtBot, asked: Asked
) -> None:
    qtbot.keyClicks(asked.popup.query, "seizure")
    qtbot.keyClick(asked.popup.query, Qt.Key.Key_Return)
    assert asked.taken == []
    asked.pause()
    qtbot.waitUntil(lambda: asked.taken == ["hit of seizure"])
    assert asked.searches == ["", "seizure"]


def test_escape_after_enter_takes_nothing(qtbot: QtBot, asked: Asked) -> None:
    qtbot.keyClicks(asked.popup.query, "seizure")
    qtbot.keyClick(asked.popup.query, Qt.Key.Key_Return)
    qtbot.keyClick(asked.popup.dialog, Qt.Key.Key_Escape)
    asked.popup.open("ataxia")
    qtbot.waitUntil(lambda: asked.popup.current() == "hit of ataxia")
    assert asked.taken == []
    qtbot.keyClick(asked.popup.query, Qt.Key.Key_Return)
    assert asked.taken == ["hit of ataxia"]


def test_the_same_words_asked_for_again_are_searched_anew(qtbot: QtBot, asked: Asked) -> None:
    for _ in range(2):
        asked.popup.open("ataxia")
        qtbot.keyClick(asked.popup.query, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: not asked.popup.dialog.isVisible())
    assert asked.taken == ["hit of ataxia"] * 2
    assert asked.searches == ["", "ataxia", "ataxia"]
