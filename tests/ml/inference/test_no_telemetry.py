"""ONNX Runtime's reports to its maker are off: no socket, no device id, no store of events on the disk."""

import os
import sys
from pathlib import Path

import pytest

from tests.no_network import run_without_network

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it looks into a Linux home"),
]
ROOT = Path(__file__).parents[3]
SESSION = """
import time
from ml.inference.providers import cuda_compiled
cuda_compiled()
time.sleep(1)
"""
BARE = "import onnxruntime, time; time.sleep(1)"


def written(code: str, home: Path) -> tuple[int, list[str]]:
    """Exit code of some Python without a network, and the files that it left in an empty home."""
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    surroundings = kept | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(ROOT)}
    surroundings["PYTHONDONTWRITEBYTECODE"] = "1"
    done = run_without_network([sys.executable, "-c", code], env=surroundings, cwd=home, check=False)
    return done.returncode, sorted(path.name for path in home.rglob("*") if path.is_file())


def test_loading_it_leaves_nothing_and_calls_nobody(tmp_path: Path) -> None:
    assert written(SESSION, tmp_path) == (0, [])


def test_without_the_rooms_own_word_it_would(tmp_path: Path) -> None:
    """So that the test above can fail: where this one does, the library has changed its ways; look again."""
    code, left = written(BARE, tmp_path)
    assert code != 0 or left
