"""A choice shows all of its words where it has the room it asks for, and ends in an ellipsis where not."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.gui.shell.choice import ChoiceBox
from app.gui.theme.look import SCALES, Look
from app.gui.theme.palette import LIGHT

WORDS = ("Emergency", "Primary care", "Rare-disease clinic", "By last activity", "Any decision")


@pytest.fixture(autouse=True)
def _usual_look(qtbot: QtBot) -> Iterator[None]:
    yield
    Look().apply()


@pytest.mark.parametrize("percent", SCALES)
@pytest.mark.parametrize("words", WORDS)
def test_words_are_whole_at_the_width_that_is_asked_for(qtbot: QtBot, words: str, percent: int) -> None:
    Look(LIGHT, percent).apply()
    box = ChoiceBox()
    qtbot.addWidget(box)
    box.addItem(words)
    box.resize(box.sizeHint())
    assert box.shown_words() == words
    box.resize(box.minimumSizeHint())
    assert box.shown_words().endswith("…")
