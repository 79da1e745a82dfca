"""A list of sentences: every word of a row is drawn, beside a box to tick too."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QListWidget, QListWidgetItem
from pytestqt.qtbot import QtBot

from app.gui.shell.worded_list import worded_list
from app.gui.theme.look import Look

WORDS = "2.8 %   Neonatal Marfan syndrome"


def drawn(view: QListWidget) -> QImage:
    return view.viewport().grab(view.visualItemRect(view.item(0))).toImage()


@pytest.mark.parametrize("ticked", [False, True])
def test_the_last_word_is_drawn_at_every_width(qtbot: QtBot, ticked: bool) -> None:
    look = Look()
    look.apply()
    view = worded_list(look, "Diseases")
    qtbot.addWidget(view)
    item = QListWidgetItem(WORDS, view)
    if ticked:
        item.setCheckState(Qt.CheckState.Checked)
    view.show()
    for width in range(180, 330, 3):
        view.resize(width, 300)
        item.setText(WORDS)
        view.doItemsLayout()
        with_all = drawn(view)
        height = view.visualItemRect(item).height()
        item.setText(WORDS.removesuffix("e"))
        view.doItemsLayout()
        if view.visualItemRect(item).height() == height:
            assert (width, drawn(view) != with_all) == (width, True)
