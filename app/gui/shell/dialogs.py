"""The few boxes that ask or tell: failures with their remedy, and questions before a deed."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.gui.operations.runner import Failure


def show_failure(parent: QWidget, failure: Failure) -> QMessageBox:
    """Tell why something did not work and what to do; never a traceback."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning if failure.expected else QMessageBox.Icon.Critical)
    box.setWindowTitle("Anamnesis")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText("That did not work")
    box.setInformativeText(sentence(failure.message))
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def ask(parent: QWidget, question: str, advice: str, deed: str, act: Callable[[], object]) -> QMessageBox:
    """Ask before a deed; `deed` names the button that does it. Escape does nothing."""
    box = QMessageBox(QMessageBox.Icon.Question, "Anamnesis", question, parent=parent)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setInformativeText(advice)
    yes = box.addButton(deed, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.buttonClicked.connect(lambda pressed: act() if pressed is yes else None)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
    return box


def sentence(message: str) -> str:
    """A one-line error as a sentence for people: capital first, full stop last."""
    words = " ".join(message.split())
    if not words:
        return ""
    return words[0].upper() + words[1:] + ("" if words[-1] in ".!?" else ".")
