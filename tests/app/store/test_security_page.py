"""SECURITY.md and the floor's READMEs name only tests and files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = {path.name: path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
SECURITY = (ROOT / "SECURITY.md").read_text("utf-8")


def promises() -> dict[str, str]:
    """Each promise, and what the page says shows it."""
    table = SECURITY.split("## Promises")[1].split("## Who holds what")[0]
    rows = [line.strip("| ").rsplit(" | ", 1) for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: row[1] for row in rows[2:]}


def test_each_promise_names_a_test_that_exists() -> None:
    """`file::test`; `::test` alone is of the file named before it."""
    assert len(promises()) >= 40
    for promise, shown in promises().items():
        file, named = "", 0
        for word in re.findall(r"`([^`]+)`", shown):
            found = re.fullmatch(r"(?:[\w/]+/)?(test_\w+\.py)?(?:::(test_\w+))?", word)
            if found is None:
                assert word.startswith(("python -m tests.", "tests/")), word
                continue
            file, test = found[1] or file, found[2]
            assert f"def {test}(" in TESTS[file] if test else file in TESTS, word
            named += 1
        assert named, promise


@pytest.mark.parametrize("floor", ["app/store", "app/exchange"])
def test_each_file_that_a_readme_names_exists(floor: str) -> None:
    text = (ROOT / floor / "README.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+\.py)`", text))
    assert all((ROOT / floor / name).is_file() for name in named)
    assert len(text.splitlines()) <= 60
