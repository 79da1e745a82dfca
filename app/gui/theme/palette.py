"""The colour themes, light and dark, each plain and in high contrast, and the contrast that they keep."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by their task, as `#rrggbb`. Text keeps `text_contrast` on every ground it stands on.

    `other` is the theme that Ctrl+D changes to. In high contrast borders keep 3:1 as well, and what is chosen
    has an edge: no ground is dark enough to be told from another and bright enough for text of every colour.
    """

    name: str
    title: str
    other: str
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
    chosen_edge: str  # around what is chosen; as its ground where that alone is told
    text_contrast: float = 4.5


LIGHT = Theme(
    name="light",
    title="Light",
    other="dark",
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
    chosen_edge="#d9ecee",
)

DARK = Theme(
    name="dark",
    title="Dark",
    other="light",
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
    chosen_edge="#1c3d45",
)

CONTRAST_LIGHT = Theme(
    name="contrast-light",
    title="High contrast, light",
    other="contrast-dark",
    window="#ffffff",
    sidebar="#ffffff",
    surface="#ffffff",
    raised="#f2f2f2",
    selected="#e2f1f3",
    border="#6a6a6a",
    control="#404040",
    text="#000000",
    muted="#303030",
    accent="#003f47",
    on_accent="#ffffff",
    observed="#002a66",
    observed_fill="#e3eefc",
    excluded="#5a2400",
    excluded_fill="#fdefe3",
    suggested="#3a1d6e",
    suggested_fill="#f4effc",
    good="#00401d",
    warn="#4a3000",
    bad="#74000f",
    bad_fill="#fdeeee",
    track="#858585",
    chosen_edge="#404040",
    text_contrast=7.0,
)

CONTRAST_DARK = Theme(
    name="contrast-dark",
    title="High contrast, dark",
    other="contrast-light",
    window="#000000",
    sidebar="#000000",
    surface="#000000",
    raised="#1a1a1a",
    selected="#08292e",
    border="#8f8f8f",
    control="#c4c4c4",
    text="#ffffff",
    muted="#dcdcdc",
    accent="#6ff0fb",
    on_accent="#000000",
    observed="#a9d0ff",
    observed_fill="#06264d",
    excluded="#ffc38f",
    excluded_fill="#3a1d00",
    suggested="#dcc8ff",
    suggested_fill="#251a3d",
    good="#8df0b4",
    warn="#ffd878",
    bad="#ffb3b3",
    bad_fill="#3b0a0a",
    track="#707070",
    chosen_edge="#c4c4c4",
    text_contrast=7.0,
)

THEMES = {theme.name: theme for theme in (LIGHT, DARK, CONTRAST_LIGHT, CONTRAST_DARK)}


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
