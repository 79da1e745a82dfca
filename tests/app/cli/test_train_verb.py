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


def test_a_run_that_is_taken_up_does_not_seem_to_heed_another_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "--vault", str(tmp_path / "v"), "--resume", "--threads", "1"]
    assert main([*words, "--epsilon", "2", "--learning-rate", "0.1", "--with-coded"]) == 2
    assert "leave out --epsilon, --with-coded, --learning-rate" in capsys.readouterr().err


def test_no_speed_and_no_time_left_are_told_before_the_first_step() -> None:
    from app.cli.train import _line
    from app.workflows.train_model import TrainingProgress

    assert _line(TrainingProgress("run", "preparing", 0, 30, 1.5)) == "preparing 0/30  epsilon 1.500"
    under_way = TrainingProgress("run", "training", 3, 30, 1.5, steps_per_second=2.0, eta_s=13.5)
    assert _line(under_way) == "training 3/30  epsilon 1.500  2.0 steps/s  14 s left"
