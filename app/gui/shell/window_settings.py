"""The window's own settings (theme, scale, place, recent vaults) in a small JSON file; no patient data."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from app.config.toml_text import read_small_text
from app.gui.theme.palette import THEMES

RECENT = 6


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """What the window remembers between starts."""

    theme: str = "light"
    percent: int = 100
    recent_vaults: tuple[str, ...] = ()
    user: str = ""
    geometry: str = ""  # where the window stood, as Qt writes it, in base64


def read_settings(path: Path, *, theme: str = "light") -> WindowSettings:
    """The settings kept in a file; where it is missing or not understood the defaults, with this theme."""
    try:
        kept = json.loads(read_small_text(path))
        return WindowSettings(
            theme=str(kept["theme"]) if kept["theme"] in THEMES else theme,
            percent=min(max(int(kept["percent"]), 80), 200),
            recent_vaults=tuple(str(p) for p in kept["recent_vaults"])[:RECENT],
            user=str(kept["user"]),
            geometry=str(kept.get("geometry", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return WindowSettings(theme=theme)


def write_settings(path: Path, settings: WindowSettings) -> None:
    """Keep the settings; a full or read-only disk is no reason to stop working."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(settings), indent=1), encoding="utf-8")
    except OSError:
        return


def with_recent(settings: WindowSettings, vault: Path, user: str) -> WindowSettings:
    """The settings after a vault was opened: it leads the recent ones."""
    opened = str(vault)
    others = tuple(p for p in settings.recent_vaults if p != opened)
    return replace(settings, recent_vaults=(opened, *others)[:RECENT], user=user)
