"""The train verb refuses what would only waste the privacy budget."""

import io
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault

SECRET = "correct horse battery"


def test_a_vault_without_a_confirmed_diagnosis_spends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made, _ = Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())
    made.close()
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET + "\n"))
    words = ["train", "--vault", str(made.path), "--user", "ann", "--passphrase-stdin", "--epsilon", "1"]
    assert main(words) == 2
    assert "confirm some" in capsys.readouterr().err
    with Vault.open(made.path, user="ann", passphrase=SECRET) as vault:
        assert vault.ledger() == ()
