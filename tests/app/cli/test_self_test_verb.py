"""`anamnesis self-test`: sound here; a broken part gives exit code 1 and its name."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from app.cli.main import main
from ml.registry import starting_model

EVERY_PART = [
    *("program", "policy", "cache folder", "encryption", "vault", "reader", "import", "signing keys"),
    "update file",
    *("HPO release", "knowledge graph", "rules", "recogniser", "text encoder", "starting model", "fusion"),
    *("GPU", "trainer", "export", "window", "screen", "fonts", "Chinese font", "drawing"),
]


@pytest.mark.slow
def test_a_sound_installation_passes(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["self-test", "--json"])
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert [check["name"] for check in told["checks"]] == EVERY_PART
    assert [check for check in told["checks"] if check["status"] == "not ok"] == []
    assert (told["ok"], code) == (True, 0)
    assert all(json.loads(line)["progress"] for line in printed.err.splitlines())


@pytest.mark.slow
def test_an_altered_model_is_a_failure_that_names_every_part_it_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(Path(str(files("resources"))) / starting_model.FOLDER, folder)
    with (folder / "tensors.safetensors").open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x7f")
    monkeypatch.setattr(starting_model, "FOLDER", str(folder))
    code = main(["self-test"])
    lines = capsys.readouterr().out.splitlines()
    broken = [line for line in lines if line.startswith("not ok")]
    assert code == 1
    assert [line[15:33].strip() for line in broken] == ["starting model", "fusion", "trainer", "export"]
    assert all("tensors.safetensors" in line and "install the program again" in line for line in broken)
    assert lines[-1] == f"{len(broken)} of {len(EVERY_PART)} parts do not work"
