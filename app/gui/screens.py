"""Renders every page of the window to a picture, without a screen; for the demo and the tests."""

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QApplication, QWidget

from app.config.policy import Policy
from app.config.settings import cache_dir
from app.errors import UsageError
from app.gui.operations.runner import OperationRunner
from app.gui.patient.patient_page import PatientPage
from app.gui.session import Surroundings
from app.gui.shell.main_window import MainWindow
from app.gui.shell.sidebar import PLACES
from app.gui.theme.look import Look
from app.gui.theme.palette import THEMES
from app.store.vault import Vault

SIZE = QSize(1440, 900)


def render_screens(
    vault: Vault, out_dir: Path, *, theme: str = "light", percent: int = 100, cache: Path | None = None
) -> list[Path]:
    """Write one PNG per page of the window on an open vault, which stays open; the files written."""
    app = QApplication.instance() or QApplication(["anamnesis", "-platform", "offscreen"])
    assert isinstance(app, QApplication)
    if not QFontDatabase.families():
        raise UsageError("no fonts are installed, so text can't be drawn; install fonts-dejavu-core")
    out_dir.mkdir(parents=True, exist_ok=True)
    look = Look(THEMES[theme], percent)
    look.apply()
    runner = OperationRunner()
    around = Surroundings(look, runner, Policy(), cache or cache_dir(), out_dir / ".window.json")
    window = MainWindow(around)
    try:
        return _render(window, vault, out_dir, theme)
    finally:
        window.release_vault()
        window.close()
        around.settings_file.unlink(missing_ok=True)


def _render(window: MainWindow, vault: Vault, out_dir: Path, theme: str) -> list[Path]:
    window.resize(SIZE)
    window.show()
    window.unlock.vault.setText("/srv/records/clinic.vault")
    written = [_shot(window, window, out_dir / f"0-unlock-{theme}.png")]
    window.take_vault(vault)
    workspace = window.workspace
    assert workspace is not None
    window.settle()
    first = max(
        vault.patients(limit=5000),
        key=lambda p: (p.note_count, p.finding_count),
        default=None,
    )
    if first is not None:
        workspace.open_patient(first.id)
        window.settle()
        _open_longest_note(workspace.patient)
        window.settle()
        workspace.patient.note.move(1)
    for number, place in enumerate(PLACES, start=1):
        if place.name not in workspace.places() or (place.name == "patient" and first is None):
            continue
        workspace.go(place.name)
        written.append(_shot(window, window, out_dir / f"{number}-{place.name}-{theme}.png"))
    return written


def _open_longest_note(page: PatientPage) -> None:
    notes = page.opened.chart.notes if page.opened else ()
    if notes:
        page.open_note(max(notes, key=lambda note: len(note.text)).id)


def _shot(window: MainWindow, widget: QWidget, path: Path) -> Path:
    window.settle()
    if not widget.grab().save(str(path)):
        raise UsageError(f"{path} can't be written; choose another folder")
    return path
