"""The light package has no torch: everything it runs must import without it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RUN_BY_THE_TRAINER = {
    "app.workflows.benchmark_diagnose",
    "app.workflows.benchmark_gpu",
    "app.workflows.benchmark_learning",
    "app.workflows.benchmark_linking",
    "app.workflows.build_namesakes",
    "app.workflows.build_portraits",
    "app.workflows.build_starting_model",
    "app.workflows.learning_tasks",
    "app.workflows.learning_ways",
    "app.workflows.pack_rows",
    "app.workflows.teach_wordings",
}
CODE = """
import importlib, pkgutil, sys
BLOCKED = ("torch", "opacus", "onnx", "onnxscript")

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
import app
for module in pkgutil.walk_packages(app.__path__, "app."):
    if module.name != "app.__main__":
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError:
            print(module.name)
"""


@pytest.mark.slow
def test_everything_but_what_the_trainer_runs_imports_without_torch() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(done.stdout.split()) <= RUN_BY_THE_TRAINER
