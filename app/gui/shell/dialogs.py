"""How dialogs open, and the few boxes that tell of failures with their remedy, or ask before a deed."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QMessageBox, QWidget

from app.gui.operations.runner import Failure
from app.gui.theme.look import Look

EVERYWHERE = ("Ctrl+L", "F1")  # lock and help


def open_over(dialog: QDialog) -> None:
    """Open a dialog that must be left first; it shuts the window's own keys out, but for lock and help."""
    if not dialog.findChildren(QShortcut):
        for key in EVERYWHERE:
            pressed = QShortcut(QKeySequence(key), dialog).activated
            pressed.connect(lambda key=key: _press_in_window(dialog, QKeySequence(key)))
    dialog.open()


def size_within(dialog: QDialog, look: Look, width: int, height: int) -> QSize:
    """A size given for 100 % text, at the scale of the text, and no larger than the window."""
    wanted = QSize(look.px(width), look.px(height))
    parent = dialog.parentWidget()
    return wanted.boundedTo(parent.window().size()) if parent is not None else wanted


def _press_in_window(dialog: QDialog, key: QKeySequence) -> None:
    parent: QWidget | None = dialog.parentWidget()
    window = parent.window() if parent is not None else dialog
    for shortcut in window.findChildren(QShortcut):
        if shortcut.key() == key and shortcut.parent() is window:
            shortcut.activated.emit()


def show_failure(parent: QWidget, failure: Failure) -> QMessageBox:
    """Tell why something did not work and what to do; never a traceback."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning if failure.expected else QMessageBox.Icon.Critical)
    box.setWindowTitle("Anamnesis")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText("That did not work")
    box.setInformativeText(sentence(failure.message))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    open_over(box)
    return box


def ask(parent: QWidget, question: str, advice: str, deed: str, act: Callable[[], object]) -> QMessageBox:
    """Ask before a deed; `deed` names the button that does it. Escape does nothing."""
    box = QMessageBox(QMessageBox.Icon.Question, "Anamnesis", question, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(advice)
    yes = box.addButton(deed, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.buttonClicked.connect(lambda pressed: act() if pressed is yes else None)
    box.finished.connect(lambda _code: box.setInformativeText(" "))  # it may name a patient; "" keeps it
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    open_over(box)
    return box


def sentence(message: str) -> str:
    """A one-line error as a sentence for people: capital first, full stop last."""
    words = " ".join(message.split())
    if not words:
        return ""
    return words[0].upper() + words[1:] + ("" if words[-1] in ".!?" else ".")
