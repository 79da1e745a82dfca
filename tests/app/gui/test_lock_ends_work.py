"""A lock ends the processes that work for the window: nothing of a vault goes on behind the unlock screen."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from app.workflows.list_models import result_store
from ml.registry.model_version import TENSORS_FILE
from ml.registry.starting_model import starting_version
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.registry.training_result import PrivacyClaim, TrainingResult
from tests.app.gui.conftest import PASSPHRASE, USER
from tests.running_workers import running_workers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="child processes are found in /proc"),
]
Settle = Callable[[], None]
AT_ONCE_MS = 8_000  # on a busy machine; an export needs longer to load torch alone


def test_an_export_under_way_is_ended_and_its_result_still_waits(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    start = starting_version()
    bias = read_tensors(start.files[TENSORS_FILE])["head.bias"]
    claim = PrivacyClaim(epsilon=2.5, delta=1e-5, mechanism="DP-SGD")
    tensors = write_tensors({"head.bias": bias})
    result_store(vault).put(TrainingResult("run-1", start.version.version_id, "head", tensors, claim))
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.publish()
    qtbot.waitUntil(lambda: bool(running_workers(b"export")), timeout=60_000)
    window.lock()
    qtbot.waitUntil(lambda: not running_workers(b"export"), timeout=AT_ONCE_MS)
    settle()
    assert vault.closed
    with Vault.open(vault.path, user=USER, passphrase=PASSPHRASE) as again:
        assert result_store(again).run_ids() == ("run-1",)


def test_an_import_under_way_is_ended_with_its_reader(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(200):
        (tmp_path / "in" / f"{number}.txt").write_text(f"Seizures, note {number}. " * 400, encoding="utf-8")
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.import_files([tmp_path / "in"])
    qtbot.waitUntil(lambda: bool(running_workers(b"read")), timeout=60_000)
    window.lock()
    qtbot.waitUntil(lambda: not running_workers(b"read"), timeout=AT_ONCE_MS)
    settle()
    assert vault.closed
