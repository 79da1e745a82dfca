"""Every page is rendered to a picture that shows something, in each kind of theme."""

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.gui.screens import render_screens
from app.store.vault import Vault

pytestmark = pytest.mark.slow


def _colors(path: Path) -> int:
    image = QImage(str(path))
    assert image.width() >= 1000
    step = 7
    return len(
        {image.pixel(x, y) for x in range(0, image.width(), step) for y in range(0, image.height(), step)}
    )


@pytest.mark.parametrize(("theme", "percent"), [("light", 100), ("dark", 150), ("contrast-dark", 100)])
def test_every_page_is_drawn(
    qtbot: QtBot, vault: Vault, tmp_path: Path, public_cache: Path, theme: str, percent: int
) -> None:
    written = render_screens(vault, tmp_path / "shots", theme=theme, percent=percent, cache=public_cache)
    names = {path.stem.split("-")[1] for path in written}
    assert names >= {"unlock", "patients", "patient", "models", "audit", "about", "help"}
    assert all(_colors(path) > 20 for path in written)
    assert vault.patient_count() == 61
