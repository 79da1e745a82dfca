"""The style sheet of the window, made from a theme and a scale."""

import re
from importlib import resources

from app.gui.theme.palette import Theme

_LENGTH = re.compile(r"(?<![\w#.])(\d+)px")
_COLOR = re.compile(r"@(\w+)")


def icons_folder() -> str:
    """Where the icon files lie, as a path with forward slashes."""
    return str(resources.files("resources") / "icons").replace("\\", "/")


def stylesheet(theme: Theme, percent: int) -> str:
    """The whole sheet; hairlines (1 and 2 px) stay, every other length follows the scale."""
    text = (resources.files("resources") / "icons" / "window.qss").read_text(encoding="utf-8")
    sheet = text.replace("@icons", icons_folder()).replace("-@name", f"-{_drawn_for(theme)}")
    colored = _COLOR.sub(lambda m: str(getattr(theme, m[1])), sheet)
    return _LENGTH.sub(lambda m: f"{_scaled(int(m[1]), percent)}px", colored)


def _scaled(length: int, percent: int) -> int:
    return length if length <= 2 else round(length * percent / 100)


def _drawn_for(theme: Theme) -> str:
    """Whose arrows and ticks a theme has: those of the plain one, light or dark."""
    return "dark" if theme.name.endswith("dark") else "light"
