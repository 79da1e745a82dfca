"""The field of a page that searches."""

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLineEdit

from app.gui.theme.icons import icon
from app.gui.theme.look import Look


def search_field(look: Look, name: str, hint: str) -> QLineEdit:
    """A field with a glass at its left: a name for a screen reader, and what it says while it is empty."""
    made = QLineEdit(placeholderText=hint, clearButtonEnabled=True)
    made.setAccessibleName(name)
    made.setToolTip(hint)  # a small field has no room for all of it
    glass = made.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition)

    def draw() -> None:
        glass.setIcon(icon(look, "search"))

    look.follow(made, draw)
    draw()
    return made
