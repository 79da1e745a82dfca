"""What the window's tests measure: words without room, places without a name, words made longer, colours."""

from collections.abc import Iterator

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QToolButton,
    QWidget,
)

from app.gui.shell.elided_label import ElidedLabel
from app.gui.shell.furniture import label

ALONE = Qt.ToolButtonStyle.ToolButtonIconOnly
ROUNDS = 20  # of events: one round of layouts asks for the next
_LONGER = "zusammengesetzt"


def color_rows(widget: QWidget, x: float, color: QColor) -> list[int]:
    """Where a colour stands in one column of a widget's pixels."""
    image = widget.grab().toImage()
    return [y for y in range(image.height()) if image.pixelColor(round(x), y) == color]


def visible(root: QWidget) -> list[QWidget]:
    """The widgets inside that are shown."""
    return [w for w in root.findChildren(QWidget) if w.isVisible()]


def cut_words(root: QWidget) -> list[str]:
    """The words of shown buttons and labels inside that have no room, once the layouts have come to rest."""
    cut: list[str] = []
    for _round in range(ROUNDS):
        QCoreApplication.processEvents()
        cut = [str(getattr(w, "text", str)()) for w in visible(root) if _cut(w)]
        if not cut:
            break
    return cut


def _cut(widget: QWidget) -> bool:
    if isinstance(widget, ElidedLabel):
        return False
    if isinstance(widget, QLabel):
        return bool(widget.text()) and _label_cut(widget)
    if isinstance(widget, QAbstractButton) and widget.text():
        return widget.width() < widget.sizeHint().width() and not (
            isinstance(widget, QToolButton) and widget.toolButtonStyle() == ALONE
        )
    return False


def _label_cut(shown: QLabel) -> bool:
    """Compared with a new label of the same words and role, which has no size of its past in mind."""
    words = shown.text().replace("&", "") if shown.buddy() else shown.text()
    new = label(words, str(shown.property("role") or ""), wrap=shown.wordWrap())
    new.setParent(shown.parentWidget())
    new.setFont(shown.font())
    new.ensurePolished()
    if shown.wordWrap():
        short = shown.height() < new.heightForWidth(shown.width())
    else:
        short = shown.width() < new.sizeHint().width()
    new.deleteLater()
    new.setParent(None)
    return short


def stops(root: QWidget) -> Iterator[QWidget]:
    """Where the keyboard can stop."""
    kinds = (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QAbstractScrollArea)
    for widget in visible(root):
        if (
            isinstance(widget, kinds)
            and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and not isinstance(widget, QScrollArea)
            and not isinstance(widget.parent(), QAbstractSpinBox)
        ):
            yield widget


def named(widget: QWidget) -> bool:
    """Whether a screen reader has something to say of a widget."""
    if widget.accessibleName() or widget.toolTip():
        return True
    return bool(widget.text()) if isinstance(widget, QAbstractButton) else False


def lengthen(root: QWidget) -> None:
    """Make every word of labels and buttons two fifths longer, once, as a translation into German would."""
    for widget in root.findChildren(QWidget):
        if isinstance(widget, (QLabel, QAbstractButton)) and widget.text() and not widget.property("longer"):
            words = (word + _LONGER[: round(len(word) * 0.4)] for word in widget.text().split(" "))
            widget.setText(" ".join(words))
            widget.setProperty("longer", True)
