"""The curve of the run under way, or of the last one: in words, and drawn."""

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app.gui.shell.furniture import card, label
from app.gui.theme.look import Look
from app.gui.training.curve_diagram import CurveDiagram
from app.workflows.training_curve import CurvePoint

MOST_TOLD = 12


class CurveCard:
    """Hidden until there is a point."""

    def __init__(self, look: Look) -> None:
        self.words = label("", wrap=True)
        self.diagram = CurveDiagram(look)
        self.widget: QWidget
        self.widget, column = card(margin=14, spacing=8)
        column.addWidget(label("Curve on synthetic notes", "heading"))
        column.addWidget(self.words)
        column.addWidget(self.diagram)
        column.addWidget(label(_WHAT, "small", wrap=True))
        self.widget.hide()

    def show(self, points: Sequence[CurvePoint]) -> None:
        """Show these points."""
        if points:
            self.words.setText(where_it_stands(points))
            self.diagram.setAccessibleDescription(spoken(points))
            self.diagram.show_points(points)
        self.widget.setVisible(bool(points))


def where_it_stands(points: Sequence[CurvePoint]) -> str:
    """The last point in words, against the first."""
    first, last = points[0], points[-1]
    told = f"Step {last.step}, epsilon {last.epsilon:.2f}: {_shares(last)}."
    if last.steps_per_second:
        told += f" About {last.steps_per_second:g} steps a second."
    return told if len(points) == 1 else f"{told} At step {first.step}: {_shares(first)}."


def spoken(points: Sequence[CurvePoint]) -> str:
    """The drawing in words: every point, or so many of them, evenly, with the first and the last."""
    last = len(points) - 1
    told = {round(last * place / (MOST_TOLD - 1)) for place in range(MOST_TOLD)}
    lines = (
        f"step {points[n].step}, epsilon {points[n].epsilon:.2f}: {_shares(points[n])}" for n in sorted(told)
    )
    return "; ".join(lines) + "."


def _shares(point: CurvePoint) -> str:
    return f"disease first {point.top1:.0%}, among the first ten {point.top10:.0%}, loss {point.loss:.2f}"


_WHAT = (
    "Notes of no patient, in a style that training never saw, ranked among the declared diseases. They cost "
    "no epsilon: only what noise has passed through is looked at."
)
