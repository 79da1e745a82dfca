"""A vault closed cleanly, and the same as a loss of power leaves it."""

import shutil
from pathlib import Path

import pytest

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.vault import Vault
from tests.app.store.refusal import FAST, SCRATCH, SECRET, open_it


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A vault closed cleanly, and the same as a power loss leaves it: commits in the write-ahead log."""
    folder = tmp_path_factory.mktemp("refusals")
    vault, _ = Vault.create(folder / "clean", user="ann", passphrase=SECRET, kdf=FAST)
    ada = PatientId("p-1")
    vault.put_records([Patient(ada, "Ada Sample"), Note(NoteId("n"), ada, "Seizures.")], origin="t")
    vault.close()
    shutil.copytree(folder / "clean", folder / "live")
    with open_it(folder / "live") as vault:
        for number in range(5):
            vault.set_setting(f"s{number}", "x" * 500)
        shutil.copytree(folder / "live", folder / "stopped", ignore=shutil.ignore_patterns(*SCRATCH))
    return {"clean": folder / "clean", "stopped": folder / "stopped"}


@pytest.fixture
def path(templates: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(templates["clean"], tmp_path / "v"))


@pytest.fixture
def stopped(templates: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(templates["stopped"], tmp_path / "v"))
