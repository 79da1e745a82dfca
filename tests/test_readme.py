"""The README is true: the program understands its commands, its links and pictures are there."""

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from app.cli.verbs import VERBS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    p for p in ROOT.rglob("README.md") if ".venv" not in p.parts and ".pytest_cache" not in p.parts
)
README = (ROOT / "README.md").read_text("utf-8")
FENCES = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.split(" #")[0] for fence in FENCES for line in fence.splitlines() if line.startswith("anamnesis ")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_understood(command: str) -> None:
    words = shlex.split(command)[1:]
    verb = next((v for v in VERBS if v.name == words[0]), None)
    if verb is None:
        assert words[0].startswith("--"), f"no verb {words[0]}"
        return
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(verb.module).configure(parser)
    parser.parse_args(words[1:])


def test_every_verb_that_a_person_needs_stands_in_the_readme() -> None:
    named = {command.split()[1] for command in COMMANDS}
    assert "bootstrap.py demo" in README  # where nothing is installed yet
    assert {verb.name for verb in VERBS} - named == {"demo", "worker"}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_pictures_are_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


def test_each_room_has_a_page() -> None:
    rooms = ("app", "ml", "knowledge_graph", "resources", "installer", "tests")
    assert all((ROOT / room / "README.md").is_file() for room in rooms)
