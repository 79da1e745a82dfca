"""Ann's vault, with one patient."""

import shutil
from pathlib import Path

import pytest

from app.clinical.patient import Patient
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from tests.app.cli.signed_in import ADA, SECRET


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verb") / "v"
    vault, _ = Vault.create(path, user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())
    with vault:
        vault.put_records([Patient(ADA, "Ada Sample")], origin="t")
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "v"))
