"""`anamnesis knowledge` adds only what can be used, remembers it, and reports the rest with its line."""

import json
from pathlib import Path

import pytest

from app.cli.main import main
from app.config.packs import read_user_packs
from app.config.settings import CACHE_VARIABLE
from tests.app.workflows.test_load_knowledge import PACK


@pytest.fixture(autouse=True)
def _places(tmp_path: Path, public_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    path = tmp_path / "ward.toml"
    path.write_text(PACK, "utf-8")
    return path


def test_a_pack_is_added_listed_used_and_removed(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", "add", str(ward)]) == 0
    assert read_user_packs().packs == (ward,)
    assert main(["knowledge", "list"]) == 0
    listed = capsys.readouterr().out
    assert "Ward; 1 diseases, 0 own terms, 2 rows" in listed
    assert "Common and emergency conditions" in listed
    findings = ["diagnose", "--findings", "HP:0001945,HP:0000988", "--setting", "emergency", "--json"]
    assert main(findings) == 0
    first = json.loads(capsys.readouterr().out)["differential"][0]
    assert first["disease_id"] == "WARD:seaside-fever"
    assert first["prior_score"] > 0
    assert main(["knowledge", "remove", str(ward)]) == 0
    assert read_user_packs().packs == ()
    assert main(["knowledge", "remove", str(ward)]) == 2


def test_a_broken_pack_is_not_added(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ward.write_text(PACK.replace("HP:0001945", "HP:7777777"), "utf-8")
    assert main(["knowledge", "add", str(ward)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "ward.toml:11: HP:7777777 is not a current term" in line
    assert read_user_packs().packs == ()


def test_a_check_reports_what_is_odd_and_what_contradicts_itself(
    ward: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = (
        PACK.replace('"Skin rash"', '"Seizure"')
        .replace("HP:0001945", "HP:0003565")
        .replace('nt"]]\n', 'nt"], ["HP:0000988", "Skin rash", "excluded"], ["HP:0000006", "", ""]]\n')
        + '[[condition]]\nid = "OMIM:999999"\nname = "New"\nsource = "Ward"\n'
        + 'icd10cm = "sore"\nfindings = []\n'
    )
    ward.write_text(odd, "utf-8")
    assert main(["knowledge", "check", str(ward), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    remarks = "\n".join(report["packs"][0]["remarks"])
    assert "ward.toml:11: HP:0000988 is 'Skin rash', not 'Seizure'" in remarks
    assert "ward.toml:11: HP:0003565" in remarks
    assert "said of WARD:seaside-fever a second time" in remarks
    assert "HP:0000006 (Autosomal dominant inheritance) is no finding" in remarks
    assert "OMIM:999999 (New) has no finding" in remarks
    assert "OMIM:999999 (New) is no disease of HPO" in remarks
    assert "'sore' is no code of ICD-10-CM" in remarks
    clashes = {(c["disease_id"], c["term_id"]) for c in report["contradictions"]}
    assert ("WARD:seaside-fever", "HP:0000988") in clashes
    assert len(clashes) > 1  # HPO's own
    ward.write_text("[pack", "utf-8")
    assert main(["knowledge", "check", str(ward)]) == 1
    told = capsys.readouterr()
    assert "is not TOML" in told.out
    assert "contradictions" not in told.out  # HPO's own would bury what is to be corrected
    (line,) = told.err.splitlines()
    assert "ward.toml can't be used; correct" in line


def test_the_programs_own_pack_can_be_put_aside(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["knowledge", "remove", "common"]) == 0
    assert main(["knowledge", "list"]) == 0
    assert "Common" not in capsys.readouterr().out
    assert main(["knowledge", "add", "common"]) == 0
    assert read_user_packs().common


def test_a_local_finding_is_understood(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    local = PACK.replace(
        "[[condition]]", '[[term]]\nid = "sign"\nname = "Own sign"\n\n[[condition]]'
    ).replace('["HP:0000988", "Skin rash", "frequent"]', '["sign", "Own sign", "frequent"]')
    ward.write_text(local, "utf-8")
    asked = ["diagnose", "--findings", "WARD:sign,HP:0001945", "--pack", str(ward), "--json"]
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["differential"][0]["disease_id"] == "WARD:seaside-fever"
