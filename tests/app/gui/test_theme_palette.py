"""Every text colour can be read on every ground it stands on, in both themes and at every scale."""

import re

import pytest

from app.gui.theme.palette import THEMES, Theme, contrast
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
PAIRS = [(role, ground) for role, grounds in GROUNDS.items() for ground in grounds]


def test_black_on_white_has_the_greatest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#777777") == pytest.approx(1.0)


@pytest.mark.parametrize("theme", THEMES.values(), ids=str)
@pytest.mark.parametrize(("role", "ground"), PAIRS)
def test_text_keeps_aa_contrast(theme: Theme, role: str, ground: str) -> None:
    assert contrast(getattr(theme, role), getattr(theme, ground)) >= 4.5


@pytest.mark.parametrize("theme", THEMES.values(), ids=str)
def test_outlines_of_controls_keep_three_to_one(theme: Theme) -> None:
    assert contrast(theme.control, theme.surface) >= 3.0


def test_the_sheet_leaves_no_placeholder_and_scales_lengths_but_not_hairlines() -> None:
    plain, large = (stylesheet(THEMES["dark"], percent) for percent in (100, 200))
    assert "@" not in plain
    assert "border: 1px solid" in large
    assert "font-size: 20px" in plain
    assert "font-size: 40px" in large
    assert all(re.fullmatch(r"#[0-9a-f]{6}", c) for c in re.findall(r"#[0-9a-fA-F]+\b", plain))
