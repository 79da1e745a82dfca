"""Pages to read: laid out once, however many lines and tables are dressed."""

from PySide6.QtWidgets import QTextBrowser
from pytestqt.qtbot import QtBot

from app.gui.guide.help_page import TOPICS, help_text
from app.gui.shell.reading import show_markdown
from app.gui.theme.look import Look


def test_a_page_is_laid_out_a_few_times_and_not_once_a_line(qtbot: QtBot) -> None:
    browser, look = QTextBrowser(), Look()
    qtbot.addWidget(browser)
    changes: list[None] = []
    browser.document().contentsChanged.connect(lambda: changes.append(None))
    for topic, _title in TOPICS:
        changes.clear()
        show_markdown(browser, help_text(topic), look)
        assert (topic, len(changes) <= 8) == (topic, True)
