"""Small pieces that every page is built from: labels, buttons, cards, empty states."""

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.gui.theme.icons import icon, pixmap
from app.gui.theme.look import Look


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """A label whose `role` the style sheet knows (`title`, `muted`, `badge`, ...); never rich text."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if role:
        made.setProperty("role", role)
    return made


def named_field(text: str, field: QWidget) -> QLabel:
    """A form label whose `&` letter leads to its field."""
    made = QLabel(text)
    made.setBuddy(field)
    if not field.accessibleName():
        field.setAccessibleName(text.replace("&", ""))
    return made


def field_form() -> QFormLayout:
    """Rows of a label and a field each; the fields take the width that is left."""
    made = QFormLayout(horizontalSpacing=18, verticalSpacing=10)
    made.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return made


def set_role(widget: QWidget, role: str) -> None:
    """Change a widget's role and restyle it."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))  # else it keeps its old size
        widget.updateGeometry()


def button(
    text: str,
    act: Callable[[], object],
    *,
    role: str = "",
    tip: str = "",
    picture: tuple[Look, str] | None = None,
) -> QPushButton:
    """A push button; `role` is `primary`, `quiet`, `link`, `danger` or empty; `picture` an icon's name."""
    made = QPushButton(f" {text}" if picture else text)  # so that the icon stands a little apart
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setAutoDefault(True)  # Enter presses it on a page too, not in dialogs alone
    made.clicked.connect(lambda _checked=False: act())
    made.setToolTip(tip)
    if role:
        made.setProperty("role", role)
    if picture is not None:
        look, name = picture

        def draw() -> None:
            made.setIcon(icon(look, name, role="on_accent" if role == "primary" else "muted"))

        look.follow(made, draw)
        draw()
    return made


def card(*, margin: int = 16, spacing: int = 10) -> tuple[QFrame, QVBoxLayout]:
    """A bordered surface and its column."""
    frame = QFrame()
    frame.setProperty("role", "card")
    column = QVBoxLayout(frame)
    column.setContentsMargins(margin, margin, margin, margin)
    column.setSpacing(spacing)
    return frame, column


def at_top(part: QWidget) -> QWidget:
    """A part that is as high as it needs, whatever room it has."""
    outer = QWidget()
    column = QVBoxLayout(outer)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(part)
    column.addStretch(1)
    return outer


def row(*widgets: QWidget | None, spacing: int = 8) -> QHBoxLayout:
    """Widgets side by side; None is a stretch."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing)
    for widget in widgets:
        if widget is None:
            made.addStretch(1)
        else:
            made.addWidget(widget)
    return made


def foot(words: QLabel, *buttons: QPushButton) -> QHBoxLayout:
    """The last line of a dialog: what to know at the left, in as many lines as it takes, and the buttons."""
    words.setWordWrap(True)
    made = row(words, *buttons)
    made.setStretch(0, 1)
    return made


def scrolled(inner: QWidget) -> QScrollArea:
    """A part that scrolls where a small window or large text leaves too little height for it."""
    made = QScrollArea(widgetResizable=True)
    made.setWidget(inner)
    return made


def page_frame(title: str, subtitle: str = "") -> tuple[QWidget, QVBoxLayout, QHBoxLayout]:
    """A page with its heading: the widget, its column, and the heading's row for actions."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(24, 20, 24, 16)
    column.setSpacing(14)
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(label(title, "title"))
    if subtitle:
        words.addWidget(label(subtitle, "muted", wrap=True))
    head = QHBoxLayout()
    head.addLayout(words, 1)
    column.addLayout(head)
    return page, column, head


def empty_state(look: Look, name: str, title: str, advice: str, *actions: QPushButton) -> QWidget:
    """What stands where nothing is yet: a picture, what is missing, what to do."""
    made = QWidget()
    column = QVBoxLayout(made)
    column.setSpacing(8)
    column.addStretch(1)
    picture = QLabel()

    def draw() -> None:
        picture.setPixmap(pixmap(look, name, size=44))

    look.follow(picture, draw)
    draw()
    for part in (picture, label(title, "heading"), label(advice, "muted", wrap=True)):
        part.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(part)
    column.addLayout(row(None, *actions, None))
    column.addStretch(2)
    return made
