"""A low window gives the differential the room: what is secondary makes itself small, and comes back."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QSize, Qt

from app.gui.patient.differential_list import ROW_PX
from app.gui.patient.patient_page import PatientPage
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from tests.app.gui.hands import CTRL, Hands, open_chart
from tests.app.gui.measuring import cut_words, lengthen, named, stops

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
LOW, HIGH = QSize(1280, 720), QSize(1440, 1000)


def heights(page: PatientPage) -> list[int]:
    """Of each row that is seen whole."""
    listed = page.differential.list.widget
    room = listed.viewport().rect()
    rects = [listed.visualItemRect(listed.item(row)) for row in range(listed.count())]
    return [rect.height() for rect in rects if room.contains(rect)]


@pytest.fixture
def page(window: MainWindow, vault: Vault, settle: Settle) -> PatientPage:
    window.resize(LOW)
    made = open_chart(window, vault, settle)
    settle()
    return made


@pytest.mark.parametrize(("percent", "size"), [(100, LOW), (150, LOW), (100, QSize(1024, 700))])
def test_more_diseases_are_seen_whole_than_with_all_their_shares(
    window: MainWindow, page: PatientPage, settle: Settle, percent: int, size: QSize
) -> None:
    window.set_percent(percent)
    window.resize(size)
    settle()
    seen = heights(page)
    assert len(seen) >= 3
    assert seen[0] == window.around.look.px(ROW_PX)  # the chosen one tells its shares
    assert set(seen[1:]) == {min(seen)}
    assert cut_words(window) == []
    lengthen(page.differential.widget)
    settle()
    assert cut_words(page.differential.widget) == []


def test_the_row_that_is_chosen_is_the_higher_one(page: PatientPage, settle: Settle) -> None:
    page.differential.list.widget.setCurrentRow(1)
    settle()
    low, high, *_more = heights(page)
    assert low < high == ROW_PX


def test_what_was_words_is_told_by_name_tip_and_key_and_is_words_again_with_more_height(
    window: MainWindow, page: PatientPage, settle: Settle
) -> None:
    panel = page.differential
    tools = {panel.sentences: "Sentences", panel.graph: "Graph", panel.compare: "Compare"}
    assert [(tool.text(), tool.accessibleName(), bool(tool.toolTip())) for tool in tools] == [
        ("", name, True) for name in tools.values()
    ]
    assert not any(tool.icon().isNull() for tool in tools)
    assert [w for w in stops(panel.widget) if not named(w)] == []
    assert "one of" in panel.standing.label.toolTip()  # the possible diseases, in words
    Hands(window, settle).press(Qt.Key.Key_E, CTRL)
    assert panel.sentences.isChecked()
    window.resize(HIGH)
    settle()
    assert [tool.text() for tool in tools] == ["Sentences", "Graph", "Compare…"]
    assert all(tool.icon().isNull() for tool in tools)
    assert "one of" in panel.standing.label.text()
    assert set(heights(page)) == {ROW_PX}
