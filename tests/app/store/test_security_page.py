"""SECURITY.md and the floor's READMEs name only tests and files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = {path.name: path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")


def test_each_promise_names_a_test_that_exists() -> None:
    promises = re.findall(r"(test_\w+\.py)(?:::(test_\w+))?", SECURITY)
    assert len(promises) >= 20
    for file, name in promises:
        assert f"def {name}(" in TESTS[file] if name else file in TESTS


@pytest.mark.parametrize("floor", ["app/store", "app/exchange"])
def test_each_file_that_a_readme_names_exists(floor: str) -> None:
    text = (ROOT / floor / "README.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+\.py)`", text))
    assert all((ROOT / floor / name).is_file() for name in named)
    assert len(text.splitlines()) <= 60
