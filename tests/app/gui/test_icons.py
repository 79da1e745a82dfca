"""Icons: drawn once for each name, colour and size; where they stand, they follow the theme."""

import pytest
from pytestqt.qtbot import QtBot

from app.gui.shell.search_field import search_field
from app.gui.theme.icons import pixmap
from app.gui.theme.look import Look
from app.gui.theme.palette import DARK, LIGHT, THEMES, Theme

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.mark.parametrize("theme", THEMES.values(), ids=str)
def test_an_icon_that_was_drawn_is_not_drawn_again(theme: Theme) -> None:
    assert pixmap(Look(theme), "lock").cacheKey() == pixmap(Look(theme), "lock").cacheKey()


@pytest.mark.parametrize(
    ("theme", "percent", "name", "role", "size"),
    [
        (LIGHT, 100, "help", "muted", 18),
        (DARK, 100, "lock", "muted", 18),
        (LIGHT, 200, "lock", "muted", 18),
        (LIGHT, 100, "lock", "accent", 18),
        (LIGHT, 100, "lock", "muted", 26),
    ],
)
def test_another_name_colour_or_size_is_another_icon(
    theme: Theme, percent: int, name: str, role: str, size: int
) -> None:
    other = pixmap(Look(theme, percent), name, role=role, size=size)
    assert other.toImage() != pixmap(Look(LIGHT, 100), "lock").toImage()


def test_the_glass_of_a_search_field_follows_the_theme(qtbot: QtBot) -> None:
    look = Look()
    field = search_field(look, "Search patients", "Name")
    qtbot.addWidget(field)
    before = field.actions()[0].icon().pixmap(18).toImage()
    look.set_theme(DARK.name)
    assert field.actions()[0].icon().pixmap(18).toImage() != before
