"""Who works by keyboard sees where she is: each list and table marks its current row while it has focus."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QWidget

from app.gui.shell.main_window import MainWindow
from app.gui.theme.palette import THEMES, contrast
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN
from tests.app.gui.measuring import visible

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


def lists(root: QWidget) -> list[QAbstractItemView]:
    """The shown lists and tables with a row to stand on."""
    views = [w for w in visible(root) if isinstance(w, QAbstractItemView)]
    return [v for v in views if v.model().rowCount() and not isinstance(v, QHeaderView)]


def row_of(view: QAbstractItemView) -> QRect:
    at = view.currentIndex()
    return view.visualRect(at).intersected(view.viewport().rect())


def ringed(image: QImage, row: QRect, accent: QColor) -> int:
    """How many pixels at the row's upper and lower edge have the ring's colour."""
    near = [y for y in range(image.height()) if min(abs(y - row.top()), abs(y - row.bottom())) <= 3]
    middle = range(row.left() + 12, max(row.right() - 12, row.left() + 13))
    return sum(image.pixelColor(x, y) == accent for y in near for x in middle)


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_each_list_shows_where_the_keyboard_is(
    window: MainWindow, vault: Vault, settle: Settle, theme: str
) -> None:
    window.set_theme(theme)
    window.resize(1440, 900)
    window.take_vault(vault)
    settle()
    workspace = window.workspace
    assert workspace is not None
    workspace.open_patient(MARFAN)
    settle()
    accent, seen = window.around.look.color("accent"), set[str]()
    for name in workspace.places():
        workspace.go(name)
        settle()
        for view in lists(window):
            view.setFocus()
            settle()
            with_focus = view.viewport().grab().toImage()
            window.setFocus()
            settle()
            without = view.viewport().grab().toImage()
            row = row_of(view)
            told = (name, view.accessibleName())
            assert (*told, view.currentIndex().isValid()) == (*told, True)
            assert (*told, ringed(with_focus, row, accent) > 40) == (*told, True)
            assert (*told, ringed(without, row, accent) < 12) == (*told, True)
            seen.add(view.accessibleName())
    assert seen >= {"Patients", "Audit events", "Model versions", "Differential", "Findings", "Time line"}
    assert seen >= {"Evidence", "Help topics"}


@pytest.mark.parametrize("theme", sorted(THEMES))
def test_the_ring_stands_out_from_every_ground_it_is_drawn_on(theme: str) -> None:
    colors = THEMES[theme]
    for ground in (colors.surface, colors.selected, colors.raised):
        assert contrast(colors.accent, ground) >= 3.0  # WCAG 2.2, 1.4.11
