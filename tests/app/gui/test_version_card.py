"""The models page draws what was measured of a version, says it in words, and hides what was not."""

import pytest
from pytestqt.qtbot import QtBot

from app.gui.models.version_card import VersionCard
from app.gui.theme.look import Look
from app.gui.theme.palette import THEMES
from ml.evaluation.calibration import ReliabilityBin
from ml.evaluation.model_report import ModelReport, WayReport
from ml.evaluation.share import Share
from ml.registry.starting_model import starting_version
from tests.app.gui.measuring import color_rows

HALF = Share(0.5, 0.4, 0.6, 80)


def report(*bins: ReliabilityBin) -> ModelReport:
    way = WayReport("fused", HALF, HALF, HALF, HALF, HALF, HALF, stated=0.5, ece=0.02, reliability=bins)
    return ModelReport("v", "2025-01-16", "80 notes", 80, 1, (way,), (), (), HALF)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_points_height_is_the_share_that_came_true(qtbot: QtBot, theme: str) -> None:
    look = Look(THEMES[theme])
    look.apply()
    card = VersionCard(look)
    qtbot.addWidget(card.widget)
    card.widget.resize(700, 600)
    card.widget.show()
    version = starting_version().version
    card.show(version, None)
    assert not card.diagram.isVisible()
    assert "Not measured yet" in card.text.toPlainText()
    heights, accent = [], look.color("accent")
    for observed in (0.25, 0.75):
        card.show(version, report(ReliabilityBin(0.4, 0.5, 400, 0.5, observed)))
        assert card.diagram.isVisible()
        assert f"true {observed:.0%} of 400" in card.diagram.accessibleDescription()
        middle = look.px(56) + round(0.5 * look.px(168) * 1.9)
        heights.append(sum(rows) / len(rows) if (rows := color_rows(card.diagram, middle, accent)) else -1)
    assert heights[0] - heights[1] == pytest.approx(look.px(168) / 2, abs=6)
    card.show(None, None)
    assert card.text.toPlainText() == ""
