"""The help in a window of its own: before a vault is open, and over a dialog that must be left first."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from app.gui.guide.help_page import HelpPage
from app.gui.shell.dialogs import size_within
from app.gui.theme.look import Look


def show_help(over: QWidget, look: Look) -> QDialog:
    """The help over a window or a dialog; Escape leads back."""
    dialog = QDialog(over)
    dialog.setWindowTitle("Help")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    page = HelpPage(look)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(page.widget)
    dialog.resize(size_within(dialog, look, 960, 640))
    dialog.open()
    page.topics.setFocus()
    return dialog
