"""The demo from the command line: the whole main job for real, without a screen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.store.vault import Vault
from app.workflows.list_models import list_models
from app.workflows.run_demo import PASSPHRASE, USER
from tests.no_network import run_without_network

pytestmark = pytest.mark.slow


def _demo(*words: str, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", "demo", "--json", "--headless", "--quick", *words]
    surroundings = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "ANAMNESIS_CACHE": str(cache)}
    return run_without_network(command, capture_output=True, text=True, env=surroundings, check=False)


def test_the_whole_main_job_runs_on_two_synthetic_hospitals_without_a_network(
    tmp_path: Path, public_cache: Path
) -> None:
    """The first attempt at a network socket, in whichever of its processes, would end that process."""
    done = _demo("--workdir", str(tmp_path / "work"), cache=public_cache)
    assert done.returncode == 0, done.stderr[-2000:]
    summary = json.loads(done.stdout)
    assert summary["north"]["imported"]["Patient"] == 303
    assert summary["north"]["deeds"]["confirmed"] == 280
    for site in ("north", "south"):
        assert 0 < summary[site]["privacy"]["epsilon"] <= 3.0
    assert summary["after"]["text_top5"] > summary["before"]["text_top5"]
    assert "altered" in summary["exchange"]["altered_refused"]
    assert summary["provider"] in ("cpu", "cuda")
    pictures = [Path(p) for p in summary["written"] if p.endswith(".png")]
    assert len(pictures) >= 7
    assert all(p.read_bytes()[:4] == b"\x89PNG" for p in pictures)
    with Vault.open(Path(summary["vault"]), user=USER, passphrase=PASSPHRASE, read_only=True) as vault:
        assert vault.verify_audit().intact
        rows = list_models(vault)
        assert len(rows) == 3  # the starting model, the private run, the aggregated base
        assert next(r for r in rows if r.current).version.version_id == summary["applied_version"]


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path, public_cache: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = _demo("--workdir", str(tmp_path), cache=public_cache)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert (tmp_path / "precious.txt").read_text() == "mine"
