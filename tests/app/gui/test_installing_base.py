"""A coordinator's base is installed in the window: the key once, the measure always, and a way to stop."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from app.gui.models.base_dialog import BaseDialog
from app.gui.models.models_page import ModelsPage
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from app.workflows.apply_update import ApplyPlan
from app.workflows.find_base import installed_bases, starting_base, trusted_coordinator
from app.workflows.list_models import current_version
from ml.federated.base_file import write_base
from ml.federated.coordinator import Coordinator, new_coordinator
from ml.federated.statement import BaseStatement

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
NOTES = 4


@pytest.fixture
def page(window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch) -> ModelsPage:
    """The models page, which reads few notes."""
    quick = partial(ApplyPlan, notes_per_style=NOTES, probes=8, threads=1)
    monkeypatch.setattr("app.gui.models.models_page.ApplyPlan", quick)
    window.take_vault(vault)
    assert window.workspace is not None
    window.workspace.go("models")
    settle()
    return window.workspace.models


def _base(folder: Path, coordinator: Coordinator, *, moved: float) -> Path:
    """A base whose bias moved at every fiftieth disease."""
    start = starting_base()
    tensors = start.own | {
        "head.bias": start.own["head.bias"]
        + np.float32(moved) * (np.arange(len(start.own["head.bias"])) % 50 == 0)
    }
    said = BaseStatement(
        *(start.base_id, 1, "mean", ("2" * 64,), 2.5, 1e-5, start.labels_sha256, start.encoder_sha256)
    )
    file = folder / "round-1.fedbase"
    file.write_bytes(write_base(said, tensors, private_key=coordinator.private_key))
    return file


def _asked(page: ModelsPage, settle: Settle) -> BaseDialog:
    shown: list[BaseDialog] = []
    opened = BaseDialog.open

    def watched(dialog: BaseDialog) -> None:
        shown.append(dialog)
        opened(dialog)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDialog, "open", watched)
        page.base_button.click()
        settle()
    (dialog,) = shown
    return dialog


def test_a_base_is_installed_and_its_coordinator_is_trusted_from_then_on(
    page: ModelsPage, vault: Vault, settle: Settle, tmp_path: Path
) -> None:
    coordinator = new_coordinator()
    file = _base(tmp_path, coordinator, moved=0.01)
    dialog = _asked(page, settle)
    dialog.path.setText(str(file))
    assert not dialog.install_button.isEnabled(), "the key is missing"
    dialog.key.setText(coordinator.public_key)
    dialog.install_button.click()
    settle()
    assert page.message.text() == "The new version is in use."
    assert [base.round for base in installed_bases(vault)] == [1]
    assert "round 1   ✓ in use" in page.list.item(0).text()
    assert "epsilon 2.5" in page.card.text.toPlainText()
    again = _asked(page, settle)
    assert again.key.text() == coordinator.public_key
    assert again.key.isReadOnly()
    again.path.setText(str(file))
    again.install_button.click()
    settle()
    assert "installed already" in page.message.text()


def test_what_another_signed_and_what_harms_are_refused_with_a_reason(
    page: ModelsPage, vault: Vault, settle: Settle, tmp_path: Path
) -> None:
    coordinator, before = new_coordinator(), current_version(vault).version
    file = _base(tmp_path, coordinator, moved=100.0)
    for key, why in ((new_coordinator().public_key, "not signed by"), (coordinator.public_key, "--notes")):
        page.install_base(file, key)
        settle()
        assert why in page.message.text()
        assert page.base_button.isEnabled()
    assert current_version(vault).version == before
    assert trusted_coordinator(vault) is None


def test_an_installation_can_be_stopped(
    page: ModelsPage, vault: Vault, settle: Settle, tmp_path: Path
) -> None:
    coordinator, before = new_coordinator(), current_version(vault).version
    page.install_base(_base(tmp_path, coordinator, moved=0.01), coordinator.public_key)
    assert page.stop_button.isVisible()
    page.stop()
    settle()
    assert page.message.text() == "Stopped. The version in use has not changed."
    assert current_version(vault).version == before
    assert installed_bases(vault) == ()
