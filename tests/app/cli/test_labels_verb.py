"""The labels verb says on stderr how far the charts are read, and its result alone on stdout."""

import json
from pathlib import Path

import pytest

from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.store.vault import Vault
from tests.app.cli.signed_in import SECRET, run


@pytest.mark.slow
def test_how_far_it_is_is_told_in_tenths(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Vault.open(path, user="ann", passphrase=SECRET) as vault:
        vault.put_records([Patient(PatientId(f"q-{n}"), f"Sample {n}") for n in range(39)], origin="t")
    assert run(monkeypatch, f"labels --vault {path} --json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["conflicts"] == []
    told = [json.loads(line) for line in err.splitlines()]
    assert [line["share"] for line in told] == [n / 10 for n in range(1, 10)]
    assert told[0]["progress"] == "reading the charts, 10 %"
