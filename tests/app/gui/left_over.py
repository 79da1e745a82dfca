"""What is left of a patient: words in any widget or model, objects in memory, windows on the screen."""

import gc
from collections.abc import Callable, Iterator

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QCoreApplication,
    QEvent,
    QModelIndex,
    QObject,
    Qt,
)
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
Kinds = tuple[type, ...]


def _texts(thing: QObject) -> Iterator[str]:
    """Every text property of a widget or other object, every cell of an item model."""
    meta = thing.metaObject()
    for number in range(meta.propertyCount()):
        name = meta.property(number).name()
        value = thing.property(str(name))
        if isinstance(value, str):
            yield value
    if isinstance(thing, QAbstractItemModel):
        for row in range(thing.rowCount()):
            columns = thing.columnCount(QModelIndex()) if isinstance(thing, QAbstractTableModel) else 1
            for column in range(columns):
                yield from (str(thing.index(row, column).data(role)) for role in ROLES)


def _everything() -> list[QObject]:
    tops = QApplication.topLevelWidgets()
    return [o for top in tops for o in (top, *top.findChildren(QObject))]


def told() -> str:
    """All words that a screen reader or a look could find, also in what is hidden."""
    return "\n".join(text for thing in _everything() if isValid(thing) for text in _texts(thing))


def in_memory(kinds: Kinds) -> list[object]:
    """Every object of these kinds that somebody holds."""
    gc.collect()
    return [o for o in gc.get_objects() if isinstance(o, kinds)]


def assert_forgotten(window: QWidget, settle: Callable[[], None], kinds: Kinds, before: set[int]) -> None:
    """No object of these kinds but those of `before` (their ids), and no window but this one."""
    settle()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert [type(o) for o in in_memory(kinds) if id(o) not in before] == []
    assert [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not window] == []
