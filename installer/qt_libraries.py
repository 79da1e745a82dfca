"""Finds the system libraries that Qt misses on Linux, and installs them where it may.

Standard library only: the bootstrap runs it before anything else works.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

# soname -> Debian package, for what Qt 6's core, gui, widgets, offscreen and xcb plugins need.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
FONT_PACKAGE = "fonts-dejavu-core"
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
_LOADED_BY_QT = (
    "PySide6/QtWidgets.abi3.so",
    "PySide6/Qt/lib/libQt6Gui.so.6",
    "PySide6/Qt/plugins/platforms/libqxcb.so",
    "PySide6/Qt/plugins/platforms/libqoffscreen.so",
)


def install_missing_libraries(environment: Path) -> Iterator[str]:
    """Say what is missing, install it where this user may, and say what was done."""
    packages = missing_packages(environment)
    if not packages:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    sonames = ", ".join(sorted(missing_libraries(environment))) or "no font"
    yield f"Qt misses system libraries ({sonames}); in Debian's packages: {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        yield "install your distribution's packages that hold them, then start this again"
    elif os.geteuid() != 0:
        yield "ask an administrator for: sudo " + " ".join(command)
    else:
        yield _apt(command)


def missing_packages(environment: Path) -> list[str]:
    """Debian's names of what Qt misses here; empty elsewhere than on Linux."""
    if not sys.platform.startswith("linux"):
        return []
    return packages_for(missing_libraries(environment), has_fonts=_has_fonts())


def missing_libraries(environment: Path) -> set[str]:
    """Sonames that the dynamic loader cannot find for the parts of Qt that the window uses."""
    missing: set[str] = set()
    for site in environment.glob("lib/python3.*/site-packages"):
        for name in _LOADED_BY_QT:
            missing |= parse_ldd(_ldd(site / name))
    return missing


def parse_ldd(output: str) -> set[str]:
    """The sonames that `ldd` reports as not found."""
    return {line.split()[0] for line in output.splitlines() if line.rstrip().endswith("=> not found")}


def packages_for(sonames: Iterable[str], *, has_fonts: bool) -> list[str]:
    """Debian packages for sonames; an unknown soname stands for itself, so that it is seen."""
    wanted = {PACKAGES.get(soname, soname) for soname in sonames}
    return sorted(wanted | (set() if has_fonts else {FONT_PACKAGE}))


def _ldd(file: Path) -> str:
    if not file.exists() or shutil.which("ldd") is None:
        return ""
    return subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout


def _has_fonts() -> bool:
    folders = (Path(os.path.expanduser(folder)) for folder in FONT_FOLDERS)
    return any(next(folder.rglob("*.[to]tf"), None) for folder in folders if folder.is_dir())


def _apt(command: list[str]) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "-qq"], command):
        done = subprocess.run(step, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return "apt-get could not install them; run by hand: " + " ".join(command)
    return "installed them with apt-get"
