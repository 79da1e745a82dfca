"""Self-test of the window, in a process of its own: Qt, its platform plugins, fonts and drawings."""

import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QPluginLoader
from PySide6.QtGui import QFontDatabase, QImage
from PySide6.QtWidgets import QApplication, QLabel

from app.config.part_check import PartCheck, PartStatus
from app.gui.theme.icons import pixmap
from app.gui.theme.look import Look

SHOWN = "Anamnesis"
CHINESE = "Chinese font"


def check_window() -> Iterator[PartCheck]:
    """Qt starts without a screen; yield what it can do. Qt ends the process where it can't start at all."""
    app = QApplication.instance() or QApplication(["anamnesis", "-platform", "offscreen"])
    assert isinstance(app, QApplication)
    look = Look()
    look.apply()
    yield PartCheck("window", PartStatus.OK, f"Qt {QLibraryInfo.version().toString()} starts offscreen")
    yield _screen()
    yield _fonts()
    yield _chinese()
    yield _drawing(look)


def _screen() -> PartCheck:
    """The plugin that a real screen needs: every library of it is found."""
    if not sys.platform.startswith("linux"):
        return PartCheck("screen", PartStatus.OK, "the system's own")
    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"
    loader = QPluginLoader(str(folder / "libqxcb.so"))
    if loader.load():
        return PartCheck("screen", PartStatus.OK, "the plugin xcb loads with every library it needs")
    reason = loader.errorString().split(": ", 1)[-1].strip(" ()")
    return PartCheck(
        "screen", PartStatus.BROKEN, f"no window can open: {reason}; install the package that holds it"
    )


def _fonts() -> PartCheck:
    families = QFontDatabase.families()
    if not families:
        return PartCheck("fonts", PartStatus.BROKEN, "none is installed; install fonts-dejavu-core")
    return PartCheck("fonts", PartStatus.OK, f"{len(families)} families")


def _chinese() -> PartCheck:
    if QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese):
        return PartCheck(CHINESE, PartStatus.OK, "Chinese notes can be shown")
    return PartCheck(CHINESE, PartStatus.ABSENT, "Chinese notes show boxes; install fonts-noto-cjk")


def _drawing(look: Look) -> PartCheck:
    """Every icon is read, and a word in the window's font leaves ink."""
    names = sorted(
        f.name.removesuffix(".svg")
        for f in (files("resources") / "icons").iterdir()
        if f.name.endswith(".svg")
    )
    blank = [name for name in names if _is_blank(pixmap(look, name, role="text").toImage())]
    word = QLabel(SHOWN)
    word.resize(word.sizeHint())
    if blank or not names or _is_blank(word.grab().toImage()):
        what = ", ".join(blank) or "text"
        return PartCheck("drawing", PartStatus.BROKEN, f"{what} can't be drawn; install the program again")
    return PartCheck("drawing", PartStatus.OK, f"text and {len(names)} icons")


def _is_blank(image: QImage) -> bool:
    """One colour all over."""
    first = image.pixel(0, 0) if not image.isNull() else 0
    columns = range(image.width())
    return all(image.pixel(x, y) == first for y in range(image.height()) for x in columns)
