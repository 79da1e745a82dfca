"""What people mistype or mistake at the command line: one line that says what is wrong and what to do."""

import io
import json
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.config.settings import CACHE_VARIABLE
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault

pytestmark = pytest.mark.slow
SECRET = "correct horse battery"
SIGN_IN = "--vault clinic.vault --user ann --passphrase-stdin"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a vault and with what is taken for one, for a note, for a record."""
    folder = tmp_path_factory.mktemp("desk")
    vault, _ = Vault.create(
        folder / "clinic.vault", user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests()
    )
    with vault:
        vault.put_records([Patient(PatientId("p"), "Ada Sample")], origin="t")
    for name in ("folder", "other.app"):
        (folder / name).mkdir()
    (folder / "other.app" / "header.json").write_text('{"version": 3, "name": "other"}')
    (folder / "dangling").symlink_to(folder / "gone")
    for name, content in {
        "empty.txt": b"",
        "blank.txt": b"  \n\t\n",
        "weather.txt": b"The weather is fine today.",
        "fever.txt": b"He has a fever.",
        "latin.txt": b"caf\xe9, fever",
        "letter.pdf": b"%PDF-1.4 xx",
        "scan.png": b"\x89PNG\r\n\x1a\n",
        "bad.zip": b"PK\x03\x04garbage",
        "cut.json": b'{"a":',
        "bundle.json": b'{"resourceType": "Bundle", "type": "searchset", "entry": []}',
        "odd.csv": b"a,b,c\n1,2,3\n",
        "bare.json": json.dumps(BARE).encode(),
    }.items():
        (folder / name).write_bytes(content)
    return folder


BARE = {
    "id": "a",
    "subject": {"id": "p"},
    "metaData": {"created": "2024-01-01T00:00:00Z", "createdBy": "x", "phenopacketSchemaVersion": "2.0"},
}


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("benchmark train --data folder", 2, "goes with the benchmarks import, learning"),
        ("diagnose --text empty.txt", 2, "the text is empty"),
        ("diagnose --text blank.txt", 2, "the text is empty"),
        ("ask --text blank.txt", 2, "name a file with a note in it"),
        ("diagnose --text weather.txt", 1, "no finding was recognised"),
        ("diagnose --phenopacket bare.json", 1, "no finding was recognised"),
        (f"diagnose {SIGN_IN} --patient p", 1, "no finding was recognised"),
        ("diagnose --text folder", 2, "(Is a directory); name a text file"),
        ("diagnose --text dangling", 2, "(No such file or directory)"),
        ("diagnose --text latin.txt", 2, "convert it to UTF-8"),
        ("findings --text folder", 2, "name a text file"),
        ("diagnose --phenopacket folder", 1, "(Is a directory); name a file"),
        ("diagnose --phenopacket bundle.json", 1, "import FHIR into a vault instead"),
        ("diagnose --phenopacket cut.json", 1, "export it again"),
        ("diagnose --phenopacket scan.png", 1, "not UTF-8"),
        ("diagnose --text fever.txt --findings HP:0001250", 2, "name one of"),
        ("diagnose --findings HP:0001250 --age 33", 2, "such as P33Y"),
        ("diagnose --findings HP:0001250 --age P-3Y", 2, "such as P33Y"),
        ("diagnose --findings HP:0001250 --compare OMIM:154700,OMIM:nope", 1, "check the id"),
        ("diagnose --findings HP:0001250 --compare OMIM:154700", 2, "two to 6"),
        ("diagnose --findings HP:0001250 --rules gone.toml", 1, "check its name"),
        ("diagnose --findings HP:0001250 --rules folder", 1, "folder"),
        (f"diagnose {SIGN_IN} --findings HP:0001250", 2, "--vault goes with --patient"),
        (f"diagnose {SIGN_IN} --patient nobody", 2, "no patient of the vault fits"),
        (f"patients {SIGN_IN.replace('clinic.vault', 'gone')}", 1, "there is no folder gone"),
        (f"patients {SIGN_IN.replace('clinic.vault', 'folder')}", 1, "folder is no vault; check the name"),
        (f"patients {SIGN_IN.replace('clinic.vault', 'fever.txt')}", 1, "is no vault"),
        (f"patients {SIGN_IN.replace('clinic.vault', 'clinic.vault/vault.db')}", 1, "is no vault"),
        (f"patients {SIGN_IN.replace('clinic.vault', 'other.app')}", 1, "is not the header of a vault"),
        (f"patients {SIGN_IN.replace('ann', 'nobody')}", 1, "user or passphrase is wrong"),
        (f"patients {SIGN_IN} --limit 0", 2, "--limit must lie between"),
        (f"import {SIGN_IN} gone.json", 1, "there is no such file or folder"),
        (f"import {SIGN_IN} dangling", 1, "there is no such file or folder"),
        (f"import {SIGN_IN} folder", 1, "there is no file to import"),
        (f"import {SIGN_IN} letter.pdf", 1, "export its text"),
        (f"import {SIGN_IN} scan.png", 1, "export the report"),
        (f"import {SIGN_IN} bad.zip", 1, "copy it again"),
        (f"import {SIGN_IN} cut.json", 1, "export it again"),
        (f"import {SIGN_IN} empty.txt", 1, "the file is empty"),
        (f"import {SIGN_IN} odd.csv", 1, "--map patient_id=COLUMN"),
        (f"import {SIGN_IN} latin.txt", 1, "convert it to UTF-8"),
        (f"vault create {SIGN_IN}", 2, "is there already"),
        (f"vault create {SIGN_IN.replace('clinic.vault', 'fever.txt/v')}", 1, "choose a folder"),
        (f"vault backup {SIGN_IN}", 2, "say where to with --to DIR"),
        (f"vault backup {SIGN_IN} --to clinic.vault/b", 2, "choose a folder outside it"),
        (f"vault backup {SIGN_IN} --to folder", 2, "is there already"),
        (f"vault restore {SIGN_IN} --from gone", 2, "gone holds no backup; name a folder that"),
        (f"vault restore {SIGN_IN} --from fever.txt", 2, "holds no backup"),
        (f"vault restore {SIGN_IN} --from clinic.vault", 2, "is there already"),
        (
            f"vault restore {SIGN_IN.replace('clinic', 'new')} --in-place --from clinic.vault",
            1,
            "into a new folder",
        ),
        ("vault drill --user ann --passphrase-stdin --from gone", 2, "holds no backup"),
        (f"vault remove-user {SIGN_IN} --name ghost", 2, "there is no such user"),
        (f"vault erase {SIGN_IN} --patient ghost", 2, "patient"),
        (f"rollback {SIGN_IN} --to ghost", 1, "ghost"),
        (f"publish {SIGN_IN}", 1, "train"),
        ("update inspect fever.txt", 1, "--identity"),
        ("update inspect gone.fedupdate", 1, "check its name"),
        (f"update export {SIGN_IN} --to o.fedupdate --recipient me", 2, "neither a key"),
        ("evaluate --cases gone.jsonl.gz", 2, "check the path"),
        ("evaluate --cases fever.txt", 2, "fever.txt:1: not a case"),
        ("rules check gone.toml", 1, "check its name"),
        ("knowledge add gone", 1, "check its path"),
        ("knowledge add fever.txt", 1, "is no pack"),
        ("knowledge remove ghost", 2, "see `anamnesis knowledge list`"),
        ("build-model --threads 0", 2, "--threads must lie between"),
        ("similar", 2, "name one of"),
        ("ask --findings HP:0001250 --top -3", 2, "--top"),
        ("similar --findings HP:0001250 --top 0", 2, "--top"),
        (f"notes {SIGN_IN} fever --limit 0", 2, "--limit must lie between"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    command: str,
    code: int,
    said: str,
    desk: Path,
    public_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    assert main(command.split()) == code
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("anamnesis: ")]
    assert len(told) == 1
    assert said in told[0]
    assert "a fault inside the program" not in told[0]
    assert "Traceback" not in told[0]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["patients", "--vault", "", "--passphrase-stdin"], "argument --vault: no folder is named"),
        (["diagnose", "--findings", "HP:0001250", "--sex", "woman"], "--sex"),
        (["diagnose", "--findings", "HP:0001250", "--top", "ten"], "--top"),
        (["diagnose", "--findings", "HP:0001250", "--setting", "hospital"], "--setting"),
        (["vault", "crate"], "'crate'"),
        (["vault", "restore", "--from", "b", "--in-place", "--replacing", "v"], "not allowed with"),
        (["vault"], "DEED"),
        (["findings"], "--text --words"),
    ],
)
def test_an_option_that_is_none_ends_with_what_may_be_said(
    command: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(command)
    assert end.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_sex_is_read_in_any_case_of_letters(
    public_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    said = {}
    for sex in ("female", "FEMALE", "male"):
        assert main(["diagnose", "--json", "--findings", "HP:0000027", "--sex", sex]) == 0
        said[sex] = json.loads(capsys.readouterr().out)["differential"]
    assert said["female"] == said["FEMALE"] != said["male"]
