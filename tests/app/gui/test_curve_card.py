"""A run's curve is drawn where its shares are, said in words, and absent before the first point."""

from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from app.gui.theme.look import Look
from app.gui.theme.palette import THEMES
from app.gui.training.curve_card import MOST_TOLD, CurveCard, spoken, where_it_stands
from app.gui.training.curve_diagram import HEIGHT, TOP
from app.workflows.training_curve import CurvePoint
from tests.app.gui.measuring import color_rows

START = CurvePoint(0, 0.0, top1=0.25, top10=0.75, loss=2.0)
END = CurvePoint(100, 1.0, top1=0.75, top10=1.0, loss=1.0, steps_per_second=20.0)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_line_stands_as_high_as_its_share(qtbot: QtBot, theme: str) -> None:
    look = Look(THEMES[theme])
    look.apply()
    card = CurveCard(look)
    qtbot.addWidget(card.widget)
    card.widget.resize(900, 320)
    card.show([])
    assert card.widget.isHidden()
    card.widget.show()
    card.show([START, replace(END, step=60), END])
    shares, losses = card.diagram.plots()
    flat = 0.8 * shares.width()  # between the last two points the lines are level
    for plot, role, share in (
        (shares, "accent", END.top1),
        (shares, "suggested", END.top10),
        (losses, "accent", END.loss / (1.1 * START.loss)),
    ):
        columns = (color_rows(card.diagram, plot.left() + flat + dash, look.color(role)) for dash in range(8))
        rows = [row for column in columns for row in column]
        assert sum(rows) / len(rows) == pytest.approx(look.px(TOP) + (1 - share) * look.px(HEIGHT), abs=2)


def test_words_tell_the_last_point_against_the_first() -> None:
    assert where_it_stands([START, END]) == (
        "Step 100, epsilon 1.00: disease first 75%, among the first ten 100%, loss 1.00. "
        "About 20 steps a second. At step 0: disease first 25%, among the first ten 75%, loss 2.00."
    )
    assert where_it_stands([START]) == (
        "Step 0, epsilon 0.00: disease first 25%, among the first ten 75%, loss 2.00."
    )


def test_a_long_curve_is_spoken_in_few_points_with_both_ends() -> None:
    points = [CurvePoint(step, step / 1000, 0.5, 0.6, 1.0) for step in range(0, 1001, 5)]
    told = spoken(points).split("; ")
    assert len(told) == MOST_TOLD
    assert told[0].startswith("step 0,")
    assert told[-1].startswith("step 1000,")
    assert (
        spoken(points[:1]) == "step 0, epsilon 0.00: disease first 50%, among the first ten 60%, loss 1.00."
    )
