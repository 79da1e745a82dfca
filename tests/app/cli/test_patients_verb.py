"""The patients verb, and how other verbs are told whom they are about."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.main import main
from app.clinical.ids import PatientId
from app.clinical.patient import Identifier, Patient
from app.errors import UsageError
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.workflows.find_patient import find_patient

SECRET = "correct horse battery"
PEOPLE = (
    Patient(PatientId("p-1"), "Ada Sample", "1980-02-01", identifiers=(Identifier("urn:mrn", "MRN 17"),)),
    Patient(PatientId("p-2"), "Ada Muster", "1991-07-30", identifiers=(Identifier("urn:mrn", "MRN 18"),)),
)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made, _ = Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())
    made.put_records(PEOPLE, origin="synthetic")
    yield made
    made.close()


@pytest.mark.parametrize("asked", ["p-2", "muster", "MRN 18", "ada must"])
def test_one_patient_is_found_by_id_name_or_record_number(vault: Vault, asked: str) -> None:
    assert find_patient(vault, asked) == "p-2"


@pytest.mark.parametrize(
    ("asked", "why"), [("Ada", "2 patients"), ("Quist", "no patient"), (" ", "no patient")]
)
def test_nobody_or_several_are_refused_without_the_name(vault: Vault, asked: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as refused:
        find_patient(vault, asked)
    assert not asked.strip() or asked not in str(refused.value)


def test_the_verb_lists_a_page(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET + "\n"))
    words = ["patients", "--json", "--vault", str(vault.path), "--user", "ann", "--passphrase-stdin", "ada"]
    assert main([*words, "--limit", "1"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["count"] == 2
    assert [row["name"] for row in shown["patients"]] == ["Ada Muster"]


def test_who_has_died_is_told_with_the_day(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vault.put_records(
        [Patient(PatientId("p-3"), "Quist", "1940", deceased_at="2020-05-01T10:00")], origin="t"
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET + "\n"))
    assert main(["patients", "--vault", str(vault.path), "--user", "ann", "--passphrase-stdin", "quist"]) == 0
    assert "born 1940, died 2020-05-01; 0 notes" in capsys.readouterr().out


@pytest.mark.parametrize("page", [("--limit", "0"), ("--limit", "1" + "0" * 20), ("--offset", "-1")])
def test_a_page_that_cannot_be_is_refused_before_the_passphrase(
    page: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["patients", "--vault", str(tmp_path), "--user", "ann", "--passphrase-stdin", *page]) == 2
    assert page[0] in capsys.readouterr().err
