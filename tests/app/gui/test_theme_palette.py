"""Every text colour can be read on every ground it stands on, in every theme and at every scale."""

import re
from pathlib import Path

import pytest

from app.gui.theme.palette import THEMES, Theme, contrast, luminance
from app.gui.theme.stylesheet import stylesheet

GROUNDS = {
    "text": ("window", "sidebar", "surface", "raised", "selected", "observed_fill", "excluded_fill"),
    "muted": ("window", "sidebar", "surface", "raised", "selected"),
    "accent": ("surface", "window", "selected", "raised"),
    "on_accent": ("accent",),
    "observed": ("observed_fill", "surface", "selected"),
    "excluded": ("excluded_fill", "surface", "selected"),
    "suggested": ("suggested_fill", "surface", "selected"),
    "good": ("surface", "raised", "selected"),
    "warn": ("surface", "raised", "sidebar"),
    "bad": ("surface", "bad_fill", "selected"),
}
BOXES = ("window", "sidebar", "surface", "raised")
EDGES = {  # what bounds or shows something without a word, and the grounds it stands on
    "border": BOXES,
    "control": BOXES,
    "accent": (*BOXES, "selected"),
    "chosen_edge": BOXES,
    "track": (*BOXES, "selected"),
}
HIGH = [theme for theme in THEMES.values() if theme.text_contrast > 4.5]
PAIRS = [(role, ground) for role, grounds in GROUNDS.items() for ground in grounds]


def test_black_on_white_has_the_greatest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#777777") == pytest.approx(1.0)


@pytest.mark.parametrize("theme", THEMES.values(), ids=str)
@pytest.mark.parametrize(("role", "ground"), PAIRS)
def test_text_keeps_its_themes_contrast(theme: Theme, role: str, ground: str) -> None:
    assert theme.text_contrast >= 4.5
    assert contrast(getattr(theme, role), getattr(theme, ground)) >= theme.text_contrast


def test_there_is_high_contrast_on_a_light_and_on_a_dark_ground() -> None:
    assert {theme.name for theme in HIGH} == {"contrast-light", "contrast-dark"}
    assert all(theme.text_contrast >= 7.0 for theme in HIGH)
    assert [luminance(theme.surface) > 0.5 for theme in HIGH] == [True, False]


@pytest.mark.parametrize("theme", HIGH, ids=str)
@pytest.mark.parametrize(("role", "ground"), [(role, ground) for role in EDGES for ground in EDGES[role]])
def test_in_high_contrast_borders_rings_and_bars_keep_three_to_one(
    theme: Theme, role: str, ground: str
) -> None:
    assert contrast(getattr(theme, role), getattr(theme, ground)) >= 3.0


@pytest.mark.parametrize("theme", HIGH, ids=str)
def test_in_high_contrast_what_is_disabled_is_read_and_a_bar_is_told_from_its_track(theme: Theme) -> None:
    assert contrast(theme.control, theme.surface) >= 7.0
    for role in ("accent", "observed", "suggested"):
        assert contrast(getattr(theme, role), theme.track) >= 2.0


@pytest.mark.parametrize("theme", THEMES.values(), ids=str)
def test_each_theme_changes_to_its_counterpart_and_back(theme: Theme) -> None:
    other = THEMES[theme.other]
    assert other.other == theme.name
    assert other.text_contrast == theme.text_contrast
    assert (luminance(other.surface) > 0.5) is not (luminance(theme.surface) > 0.5)


@pytest.mark.parametrize("theme", THEMES.values(), ids=str)
def test_outlines_of_controls_keep_three_to_one(theme: Theme) -> None:
    assert contrast(theme.control, theme.surface) >= 3.0


@pytest.mark.parametrize("theme", THEMES.values(), ids=str)
def test_each_picture_that_a_sheet_names_is_there(theme: Theme) -> None:
    named = re.findall(r"url\(([^)]+)\)", stylesheet(theme, 100))
    assert len(named) > 5
    assert [path for path in named if not Path(path).is_file()] == []


def test_the_sheet_leaves_no_placeholder_and_scales_lengths_but_not_hairlines() -> None:
    plain, large = (stylesheet(THEMES["dark"], percent) for percent in (100, 200))
    assert "@" not in plain
    assert "border: 1px solid" in large
    assert "font-size: 20px" in plain
    assert "font-size: 40px" in large
    assert all(re.fullmatch(r"#[0-9a-f]{6}", c) for c in re.findall(r"#[0-9a-fA-F]+\b", plain))
