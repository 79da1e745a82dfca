"""Without a screen the program says so instead of being aborted by Qt."""

import os
import subprocess
import sys

import pytest

from app.config.screen import has_screen, require_screen
from app.errors import UsageError


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_a_named_screen_or_platform_is_enough(name: str) -> None:
    assert has_screen({name: ":0"}, "linux")


def test_no_screen_is_refused_with_the_remedy() -> None:
    with pytest.raises(UsageError, match="demo --headless"):
        require_screen({"DISPLAY": ""}, "linux")


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_other_systems_always_have_one(system: str) -> None:
    assert has_screen({}, system)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has sessions without a screen")
def test_the_program_ends_in_one_line_without_a_screen() -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "QT_QPA_PLATFORM")
    surroundings = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-m", "app"], env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("anamnesis: there is no screen")
    assert len(done.stderr.splitlines()) == 1
