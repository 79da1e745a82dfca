"""Paints what sentences say of a disease: a wash and a line below, solid for it and dotted against it.

The stronger, the denser the wash and the thicker the line; colour alone says nothing.
"""

from dataclasses import dataclass

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.gui.theme.look import Look

_FAINTEST, _DENSEST = 0.08, 0.34  # opacity; the text above keeps 4.5:1 on the densest
_THINNEST, _THICKEST = 1.2, 3.6


@dataclass(frozen=True, slots=True)
class Wash:
    """A sentence's span in code points, and its weight: from -1 (against) to 1 (for)."""

    start: int
    end: int
    strength: float
    told: str

    @property
    def role(self) -> str:
        """The colour's name."""
        return "good" if self.strength > 0 else "bad"


def wash_below(painter: QPainter, look: Look, wash: Wash, rect: QRectF) -> None:
    """Under the text: one line piece of the sentence."""
    color = look.color(wash.role)
    color.setAlphaF(_between(_FAINTEST, _DENSEST, wash))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRect(rect.adjusted(-1, -1, 1, 4))


def line_below(painter: QPainter, look: Look, wash: Wash, rect: QRectF) -> None:
    """Below the text, clear of a mark's own line."""
    width = look.px(1) * _between(_THINNEST, _THICKEST, wash)
    pen = QPen(look.color(wash.role), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap)
    if wash.strength < 0:
        pen.setDashPattern([1.0, 1.6])
    bottom = rect.bottom() + 4 - width / 2
    painter.setPen(pen)
    painter.drawLine(QLineF(rect.left() - 1, bottom, rect.right() + 1, bottom))


def _between(least: float, most: float, wash: Wash) -> float:
    return least + (most - least) * min(abs(wash.strength), 1.0)
