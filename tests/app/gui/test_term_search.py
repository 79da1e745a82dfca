"""The popup finds a term by words of the clinician's own, and says by which wording."""

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from knowledge_graph.findings.finding import FindingState
from tests.app.gui.hands import Settle, open_chart, open_disease_search

pytestmark = pytest.mark.slow


def test_a_finding_in_ones_own_words_is_found_and_taken(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    search = page.notes.term_search
    assert search is not None
    taken: list[tuple[str, FindingState]] = []
    search.ask(
        title="Mark a finding",
        quote="can't see at night",
        query="can't see at night",
        state=FindingState.OBSERVED,
        taken=lambda term, state: taken.append((str(term), state)),
    )
    settle()
    lines = [search.popup.hits.item(row).text() for row in range(search.popup.hits.count())]
    assert any(line.startswith("Nyctalopia   (like: ") for line in lines)
    search.popup.hits.setCurrentRow(next(i for i, line in enumerate(lines) if line.startswith("Nyctalopia")))
    search.popup.take()
    assert taken == [("HP:0000662", FindingState.OBSERVED)]
    search.popup.query.setText("seizure")
    settle()
    assert search.popup.hits.item(0).text() == "Seizure"


def test_the_popup_says_what_to_type_before_it_says_that_nothing_fits(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    popup = open_disease_search(window, vault, settle).popup
    (words,) = popup.hits.viewport().findChildren(QLabel)
    for typed, said in (("", "Type a few letters"), ("zzqq", "Nothing fits"), (" ", "Type a few letters")):
        popup.query.setText(typed)
        settle()
        assert words.isVisible()
        assert words.text().startswith(said)
    popup.query.setText("marfan")
    settle()
    assert not words.isVisible()
