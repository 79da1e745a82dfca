"""Opens the window. Called by the command line; imports nothing heavy before it is called."""

import sys

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox

from app.config.fault_report import print_faults_without_messages
from app.config.policy import load_policy
from app.config.settings import cache_dir, config_dir
from app.errors import AnamnesisError
from app.gui.operations.runner import OperationRunner
from app.gui.session import Surroundings
from app.gui.shell.main_window import MainWindow, fill_unlock_page
from app.gui.shell.window_settings import read_settings
from app.gui.theme.look import Look
from app.gui.theme.palette import CONTRAST_DARK, CONTRAST_LIGHT, LIGHT, THEMES

SCREENLESS = ("offscreen", "minimal")


def open_window(vault: str | None, user: str | None) -> int:
    """Show the window until it is closed; the exit code. A policy that is not understood is refused."""
    print_faults_without_messages()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("Anamnesis")
    app.setDesktopFileName("anamnesis")
    try:
        return _open(app, vault, user)
    except AnamnesisError as error:
        if app.platformName() not in SCREENLESS:  # started from the desktop, nobody reads stderr
            QMessageBox.critical(None, "Anamnesis", str(error))
        raise


def first_theme(app: QApplication) -> str:
    """The theme until somebody chooses one: in high contrast, dark or light, where the system asks for it."""
    hints = app.styleHints()
    if hints.accessibility().contrastPreference() is not Qt.ContrastPreference.HighContrast:
        return LIGHT.name
    dark = hints.colorScheme() is Qt.ColorScheme.Dark
    return CONTRAST_DARK.name if dark else CONTRAST_LIGHT.name


def _open(app: QApplication, vault: str | None, user: str | None) -> int:
    settings_file = config_dir() / "window.json"
    settings = read_settings(settings_file, theme=first_theme(app))
    look = Look(THEMES[settings.theme], settings.percent)
    look.apply()
    around = Surroundings(look, OperationRunner(), load_policy(), cache_dir(), settings_file)
    window = MainWindow(around)
    fill_unlock_page(window, vault, user)
    window.show()
    return app.exec()
