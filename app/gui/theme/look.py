"""The look of the window: theme and font scale, applied to the application and announced to painters.

Own palettes, since `setColorScheme` does nothing under X11.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from app.gui.theme.palette import LIGHT, THEMES, Theme
from app.gui.theme.stylesheet import stylesheet

STYLE = "fusion"
BASE_PX = 13
SCALES = (80, 90, 100, 110, 125, 150, 175, 200)
FAMILIES = ["Inter", "Segoe UI", "Noto Sans", "Open Sans", "DejaVu Sans", "Noto Sans CJK SC"]


class Look(QObject):
    """Theme and scale as they stand; `changed` tells painters to paint anew."""

    changed = Signal()

    def __init__(self, theme: Theme = LIGHT, percent: int = 100) -> None:
        super().__init__()
        self.theme = theme
        self.percent = percent

    def follow(self, owner: QObject, act: Callable[[], object]) -> None:
        """Call `act` at every change from now on, for as long as the object that paints by it lives."""
        self.changed.connect(_Follower(owner, act).tell)

    def px(self, length: float) -> int:
        """A length in pixels at the current scale."""
        return max(1, round(length * self.percent / 100))

    def color(self, role: str) -> QColor:
        """A theme colour by its task's name."""
        return QColor(getattr(self.theme, role))

    def font(self, size: float = BASE_PX, *, bold: bool = False) -> QFont:
        """The window's font at a size given for 100 %."""
        font = QFont()
        font.setFamilies(FAMILIES)
        font.setPixelSize(self.px(size))
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        return font

    def set_theme(self, name: str) -> None:
        """Switch to the theme of that name."""
        self.theme = THEMES[name]
        self.apply()

    def step_scale(self, steps: int) -> None:
        """Larger (+1), smaller (-1), or back to 100 % (0)."""
        nearest = min(range(len(SCALES)), key=lambda i: abs(SCALES[i] - self.percent))
        self.percent = SCALES[min(max(nearest + steps, 0), len(SCALES) - 1)] if steps else 100
        self.apply()

    def set_percent(self, percent: int) -> None:
        """Scale to a percentage."""
        self.percent = percent
        self.apply()

    def apply(self) -> None:
        """Put palette, font and style sheet on the application.

        The old sheet goes first: where one sheet follows another, Qt dresses every widget once for each
        widget around it, which takes three times as long.
        """
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.setStyleSheet("")
        if app.style().name() != STYLE:
            app.setStyle(STYLE)
        app.setPalette(_palette(self.theme))
        app.setFont(self.font())
        app.setStyleSheet(stylesheet(self.theme, self.percent))
        self.changed.emit()


class _Follower(QObject):
    """Dies with its owner, and its connection with it."""

    def __init__(self, owner: QObject, act: Callable[[], object]) -> None:
        super().__init__(owner)
        self._act = act

    @Slot()
    def tell(self) -> None:
        """The look has changed."""
        self._act()


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    colors = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.surface,
        role.AlternateBase: theme.raised,
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.bad,
        role.ToolTipBase: theme.surface,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: theme.raised,
        role.Midlight: theme.border,
        role.Mid: theme.border,
        role.Dark: theme.control,
        role.Shadow: theme.border,
    }
    palette = QPalette()
    for name, color in colors.items():
        palette.setColor(name, QColor(color))
    for name in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.control))
    return palette
