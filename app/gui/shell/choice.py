"""A box that lists what can be chosen, no wider than it must be; an ellipsis ends what does not fit."""

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QStyle, QStyleOptionComboBox, QStylePainter

_ROUNDED = 1  # pixel: the size hint counts whole ones, an ellipsis begins at the first part of one


class ChoiceBox(QComboBox):
    """Paints as much of what is chosen as there is room for; is content with a few letters."""

    def minimumSizeHint(self) -> QSize:
        """Four letters and the ellipsis."""
        hint, words = super().minimumSizeHint(), (self.itemText(row) for row in range(self.count()))
        advance = self.fontMetrics().horizontalAdvance
        beside = super().sizeHint().width() - max(map(advance, words), default=0)
        return QSize(min(hint.width(), max(beside, 0) + advance("mmmm…")), hint.height())

    def shown_words(self) -> str:
        """What is chosen, up to the arrow."""
        option, part = QStyleOptionComboBox(), QStyle.SubControl.SC_ComboBoxEditField
        self.initStyleOption(option)
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self).width()
        return self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room + _ROUNDED)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The style's box, then the words."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown_words()
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


def choice_box(
    name: str, items: Iterable[tuple[str, object]] = (), *, chosen: object = None, tip: str = ""
) -> QComboBox:
    """Words with what they stand for; `name` is spoken, and is the tool tip where there is no other."""
    made = ChoiceBox()
    for words, value in items:
        made.addItem(words, value)
    if chosen is not None:
        made.setCurrentIndex(made.findData(chosen))
    made.setAccessibleName(name)
    made.setToolTip(tip or name)
    made.setMinimumContentsLength(5)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made
