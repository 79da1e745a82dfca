"""The two colour themes, light and dark, and the contrast that each pair of colours must keep."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by their task, as `#rrggbb`. Text colours keep 4.5:1 on every ground they stand on."""

    name: str
    window: str  # behind everything
    sidebar: str
    surface: str  # cards, lists, the note
    raised: str  # headers, hovered rows, quiet buttons
    selected: str  # selected rows
    border: str
    control: str  # outlines of fields and buttons
    text: str
    muted: str  # second-rank text
    accent: str
    on_accent: str
    observed: str
    observed_fill: str
    excluded: str
    excluded_fill: str
    suggested: str
    suggested_fill: str
    good: str
    warn: str
    bad: str
    bad_fill: str
    track: str  # the empty part of a bar


LIGHT = Theme(
    name="light",
    window="#f3f5f7",
    sidebar="#e9edf1",
    surface="#ffffff",
    raised="#f1f4f7",
    selected="#d9ecee",
    border="#dbe1e7",
    control="#8494a3",
    text="#16222d",
    muted="#4f5f6e",
    accent="#0b6670",
    on_accent="#ffffff",
    observed="#14509e",
    observed_fill="#dce9fb",
    excluded="#8f3d00",
    excluded_fill="#fdebdc",
    suggested="#5d3f94",
    suggested_fill="#f3eefb",
    good="#1c6b3f",
    warn="#7a5200",
    bad="#a3242b",
    bad_fill="#fcebeb",
    track="#e3e9ee",
)

DARK = Theme(
    name="dark",
    window="#10161c",
    sidebar="#0c1116",
    surface="#171f27",
    raised="#1e2831",
    selected="#1c3d45",
    border="#2a3641",
    control="#6d7f90",
    text="#e3e9ef",
    muted="#a3b1be",
    accent="#63c6cf",
    on_accent="#06272b",
    observed="#8fbcf7",
    observed_fill="#1b3556",
    excluded="#f3b07a",
    excluded_fill="#46290f",
    suggested="#c6aef2",
    suggested_fill="#2e2545",
    good="#7fd0a0",
    warn="#e6c06a",
    bad="#f59a9a",
    bad_fill="#42201f",
    track="#2a3641",
)

THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
