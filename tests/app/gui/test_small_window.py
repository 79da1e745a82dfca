"""A small window and large text: everything fits, nothing is cut, the keyboard and a screen reader get by."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QToolButton

from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN
from tests.app.gui.hands import enter
from tests.app.gui.measuring import cut_words, named, stops

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
SMALL, LOW = QSize(1024, 700), QSize(1280, 720)


@pytest.fixture
def pages(window: MainWindow, vault: Vault, settle: Settle) -> Callable[[], Iterator[str]]:
    """Every page of an open vault in turn, with a patient open."""
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.open_patient(MARFAN)
    settle()

    def each() -> Iterator[str]:
        assert window.workspace is not None
        for name in window.workspace.places():
            window.workspace.go(name)
            settle()
            yield name

    return each


def test_a_heading_without_room_ends_in_an_ellipsis_and_its_tool_tip_tells_it_all(
    window: MainWindow, vault: Vault
) -> None:
    window.take_vault(vault)
    assert window.workspace is not None
    for table in (window.workspace.patients.table, window.workspace.audit.table):
        header, role = table.horizontalHeader(), Qt.ItemDataRole
        assert header.textElideMode() is Qt.TextElideMode.ElideRight
        for number in range(header.count()):
            words, tip = (
                header.model().headerData(number, Qt.Orientation.Horizontal, asked)
                for asked in (role.DisplayRole, role.ToolTipRole)
            )
            assert (words, bool(words)) == (tip, True)


@pytest.mark.parametrize(("percent", "size"), [(100, SMALL), (150, SMALL), (200, LOW)])
def test_every_page_fits_a_small_window_and_no_word_is_cut(
    window: MainWindow, pages: Callable[[], Iterator[str]], settle: Settle, percent: int, size: QSize
) -> None:
    window.set_percent(percent)
    for _ in range(3):  # the pages are fitted to the first, and then need less
        window.resize(size)
        settle()
    for name in pages():
        assert (window.size(), name) == (size, name)
        assert (name, cut_words(window)) == (name, [])


def test_the_list_has_room_for_an_age_at_death(window: MainWindow, vault: Vault, settle: Settle) -> None:
    vault.put_records(
        [Patient(PatientId("old"), "Aaron, Zoe", "1920-01-01", deceased_at="2023-02-03")], origin="t"
    )
    table = enter(window, vault, settle).patients.table
    cell = table.model().index(0, 3)
    assert cell.data() == "died 103 y"
    assert table.sizeHintForIndex(cell).width() <= table.columnWidth(3)


@pytest.mark.parametrize(("percent", "size"), [(150, SMALL), (200, LOW)])
def test_a_small_window_does_not_grow_when_a_vault_is_opened(
    window: MainWindow, vault: Vault, settle: Settle, percent: int, size: QSize
) -> None:
    window.set_percent(percent)
    window.resize(size)
    settle()
    window.take_vault(vault)
    settle()
    assert window.size() == size
    assert window.workspace is not None
    window.workspace.open_patient(MARFAN)
    settle()
    assert window.size() == size
    heading, note = window.workspace.patient.heading, window.workspace.patient.note
    for told in (heading.name, note.left):  # who the patient is, and what is left to do, come first
        assert told.width() >= told.sizeHint().width()
    facts = heading.facts
    shown = facts.fontMetrics().elidedText(facts.text(), Qt.TextElideMode.ElideRight, facts.width())
    assert shown.startswith("Male  ·  15 y  ·  MRN 204-118  ·  ")
    tabs = window.workspace.patient.layout.tabs
    arrows = [b for b in tabs.tabBar().findChildren(QToolButton) if b.isVisible()]
    assert len(arrows) == 2  # more tabs than there is room for: both ways are shown
    for arrow in arrows:
        image = arrow.grab().toImage()
        places = ((x, y) for x in range(image.width()) for y in range(image.height()))
        assert len({image.pixel(x, y) for x, y in places}) > 2


def test_each_place_of_the_keyboard_has_a_name(
    window: MainWindow, pages: Callable[[], Iterator[str]]
) -> None:
    for name in pages():
        assert [(name, w) for w in stops(window) if not named(w)] == []
        focus = window.focusWidget()
        assert focus is not None
        assert focus.isVisible()
        assert not isinstance(focus, QToolButton)


def test_a_small_window_shows_the_differential_findings_and_time_line_as_tabs(
    window: MainWindow, pages: Callable[[], Iterator[str]], settle: Settle
) -> None:
    assert window.workspace is not None
    page = window.workspace.patient
    window.workspace.go("patient")
    for size, narrow in ((QSize(1440, 900), False), (SMALL, True), (QSize(1440, 900), False)):
        window.resize(size)
        settle()
        assert page.layout.tabs.isVisible() == narrow
        assert page.differential.widget.isVisible()
        assert page.note.view.isVisible()
        assert page.timeline.widget.isVisible() != narrow
        assert page.findings.widget.isVisible() != narrow
    assert page.opened is not None
