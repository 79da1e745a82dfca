"""`anamnesis findings --words` says which term is meant; what is not understood is answered with a guess."""

import json
from pathlib import Path

import pytest

from app.cli.case import parse_findings
from app.cli.did_you_mean import did_you_mean
from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.errors import UsageError

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, public_cache: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))


def test_words_of_ones_own_find_their_term(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["findings", "--json", "--words", "can't see at night"]) == 0
    terms = json.loads(capsys.readouterr().out)["terms"]
    assert "HP:0000662" in {term["term_id"] for term in terms[:3]}
    assert all(0 <= term["likeness"] <= 1.001 and term["wording"] for term in terms)
    assert main(["findings", "--words", "nephrolithiasis"]) == 0
    assert capsys.readouterr().out.startswith("HP:0000787 Nephrolithiasis\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--words", " "], 2, "--words is empty"),
        ([], 2, "--text"),
        (["--words", "fever", "--text", "-"], 2, "not allowed with"),
        (["--words", "fever", "--age", "P3Y"], 2, "goes with --text"),
        (["--text", "-", "--age", "3 years"], 2, "ISO 8601"),
    ],
)
def test_what_can_not_be_asked_is_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    try:
        found = main(["findings", *words])
    except SystemExit as stopped:
        found = int(stopped.code or 0)
    assert found == code
    assert said in capsys.readouterr().err


def test_values_are_held_against_the_age_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("HR 138.", encoding="utf-8")
    assert main(["findings", "--text", str(note), "--age", "P40Y"]) == 0
    assert "Tachycardia (observed" in capsys.readouterr().out
    assert main(["findings", "--text", str(note), "--age", "P1Y"]) == 0
    assert "Tachycardia" not in capsys.readouterr().out


def test_a_short_text_without_findings_is_answered_with_a_guess(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("my sight fails in the dark\n", "utf-8")
    assert main(["findings", "--text", str(note)]) == 0
    assert "no findings; did you mean HP:0000662 (Nyctalopia)" in capsys.readouterr().out
    note.write_text("the weather was fine and we all went out to the beach with the dog\n", "utf-8")
    assert main(["findings", "--text", str(note)]) == 0
    assert capsys.readouterr().out == "no findings\n"


def test_words_among_ids_are_refused_with_the_term_they_may_mean() -> None:
    with pytest.raises(
        UsageError, match=r"'-kidney' is no HPO id.*did you mean HP:0000787 \(Nephrolithiasis\)"
    ):
        parse_findings("HP:0001250, -kidney stones")


@pytest.mark.parametrize("words", ["", "HP:12", "-", "12 13", "a b", "word " * 20])
def test_what_is_no_wording_gets_no_guess(words: str) -> None:
    assert did_you_mean(words) == ""
