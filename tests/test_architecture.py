"""The house's rules hold: imports run downwards, and heavy libraries stay in their rooms."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", ["app", "ml", "knowledge_graph", "resources", "installer", "tests"])
def test_each_room_has_a_one_page_readme(room: str) -> None:
    text = (ROOT / room / "README.md").read_text(encoding="utf-8")
    assert 5 <= len(text.splitlines()) <= 80


@pytest.mark.parametrize("path", sorted((ROOT / r) for r in ("app", "ml", "knowledge_graph")))
def test_every_file_says_first_what_it_is_for(path: Path) -> None:
    silent = [
        f for f in path.rglob("*.py") if f.stat().st_size and not f.read_text("utf-8").startswith('"""')
    ]
    assert silent == []


@pytest.mark.parametrize("room", ["app", "ml", "knowledge_graph"])
def test_no_room_writes_a_table_that_a_spreadsheet_would_run(room: str) -> None:
    """A cell that begins with = + - @ is a formula: who adds a writer of tables must defuse those first."""
    writers = re.compile(r"csv\.writer|DictWriter|\.to_csv|to_excel|openpyxl|xlsxwriter")
    assert [f for f in (ROOT / room).rglob("*.py") if writers.search(f.read_text("utf-8"))] == []
    assert writers.search("csv.writer(stream)")
