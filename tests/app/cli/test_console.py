"""What verbs print: nothing that a terminal would obey, whatever a note or a name holds."""

import io
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.console import Console
from app.cli.main import main

HOSTILE = "Ada \x1b]0;title\x07\x1b[2JSample \x9b31m\x7f\x08\x00, of Köln 東京"


def controls(text: str) -> Iterator[str]:
    return (c for c in text if unicodedata.category(c) == "Cc" and c not in "\n\t")


@pytest.mark.parametrize("as_json", [False, True])
def test_no_control_character_reaches_the_terminal(as_json: bool) -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(as_json=as_json, out=out, err=err)
    console.result({"name": HOSTILE}, f"1\t{HOSTILE}\r\n2\tline")
    console.progress(HOSTILE)
    console.refuse(f"this is wrong:\n{HOSTILE}")
    assert not list(controls(out.getvalue() + err.getvalue()))
    assert "of Köln 東京" in out.getvalue()
    assert "Sample" in err.getvalue()
    if as_json:
        assert json.loads(out.getvalue()) == {"name": HOSTILE}
        assert json.loads(err.getvalue().splitlines()[0]) == {"progress": HOSTILE}
    else:
        assert out.getvalue().count("\n") == 2


def test_a_note_with_escape_sequences_is_shown_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("A girl with \x1b[31m seizures \x1b[0m and \x9b1m ataxia.", "utf-8")
    assert main(["diagnose", "--text", str(note), "--why"]) == 0
    told = capsys.readouterr()
    assert not list(controls(told.out + told.err))
    assert "seizures" in told.out
