"""Whether there is a screen to open a window on. Qt itself would abort the process without one."""

import os
import sys
from collections.abc import Mapping

from app.errors import UsageError

PLATFORM_VARIABLE = "QT_QPA_PLATFORM"
SCREEN_VARIABLES = ("WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY")


def has_screen(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> bool:
    """On Linux a desktop session names its screen; a platform that someone chose is taken at her word."""
    if system != "linux" or environment.get(PLATFORM_VARIABLE):
        return True
    return any(environment.get(name) for name in SCREEN_VARIABLES)


def require_screen(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> None:
    """Raises UsageError where a window can't be opened."""
    if not has_screen(environment, system):
        raise UsageError(
            "there is no screen to open the window on; start it in a desktop session, use the verbs "
            "(anamnesis --help), or `anamnesis demo --headless` for pictures"
        )
