"""A list whose rows are sentences: each is as high as its words need at the list's width."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtWidgets import QListWidget, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.gui.shell.row_delegate import Index
from app.gui.theme.look import Look

PADDING_PX = (8, 5)  # at 100 % text, at each side and above and below: a little more than the sheet's own


class _WordedDelegate(QStyledItemDelegate):
    """Qt measures wrapped words without the style sheet's padding, and then leaves the last ones out."""

    def __init__(self, look: Look, view: QListWidget) -> None:
        super().__init__(view)
        self._look = look
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """The list's width, and the height of the words at it."""
        self.initStyleOption(option, index)
        side, above = (self._look.px(length) for length in PADDING_PX)
        width = self._view.viewport().width()
        room = QRect(0, 0, width - 2 * (side + self._look.px(4)) - self._box(option), 0)
        words = option.fontMetrics.boundingRect(room, int(Qt.TextFlag.TextWordWrap), option.text)
        return QSize(width, words.height() + 2 * above)

    def _box(self, option: QStyleOptionViewItem) -> int:
        """What a box to tick takes of a row's width."""
        if not option.features & QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator:
            return 0
        style = self._view.style()
        metrics = (QStyle.PixelMetric.PM_IndicatorWidth, QStyle.PixelMetric.PM_CheckBoxLabelSpacing)
        return sum(style.pixelMetric(metric, option, self._view) for metric in metrics)


def worded_list(look: Look, name: str, *, role: str = "") -> QListWidget:
    """An empty list by the name that a screen reader says; `role` is `bare` inside a card."""
    made = QListWidget()
    made.setItemDelegate(_WordedDelegate(look, made))
    made.setAccessibleName(name)
    made.setWordWrap(True)
    made.setTextElideMode(Qt.TextElideMode.ElideNone)
    made.setResizeMode(QListWidget.ResizeMode.Adjust)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    made.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
    if role:
        made.setProperty("role", role)
    look.follow(made, made.doItemsLayout)
    return made
