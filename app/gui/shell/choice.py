"""A box that lists what can be chosen, no wider than it must be."""

from collections.abc import Iterable

from PySide6.QtWidgets import QComboBox, QSizePolicy


def choice_box(
    name: str, items: Iterable[tuple[str, object]] = (), *, chosen: object = None, tip: str = ""
) -> QComboBox:
    """Words with what they stand for; `name` is spoken, and is the tool tip where there is no other."""
    made = QComboBox()
    for words, value in items:
        made.addItem(words, value)
    if chosen is not None:
        made.setCurrentIndex(made.findData(chosen))
    made.setAccessibleName(name)
    made.setToolTip(tip or name)
    made.setMinimumContentsLength(7)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return made
