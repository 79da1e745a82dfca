"""`anamnesis ask`: questions with what each answer tells; what is wrong is told in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from app.config.settings import CACHE_VARIABLE

TALL = "HP:0001166,HP:0000098"


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, public_cache: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))


def asked(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    assert main(["ask", "--json", *argv]) == 0
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value


@pytest.mark.slow
def test_questions_come_with_their_cost_and_what_each_answer_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = asked(capsys, "--findings", TALL, "--top", "4")
    questions = found["questions"]
    assert len(questions) == 4
    worth = [q["gain_bits"] / q["cost"] for q in questions]
    assert worth == sorted(worth, reverse=True)
    assert all(0 < q["share"] < 1 for q in questions)
    assert all(q["if_yes"]["chance"] + q["if_no"]["chance"] == pytest.approx(1) for q in questions)
    assert not {q["term_id"] for q in questions} & set(TALL.split(","))
    again = asked(capsys, "--findings", TALL, "--top", "4", "--skip", questions[0]["term_id"])
    assert questions[0]["term_id"] not in {q["term_id"] for q in again["questions"]}
    text_code = main(["ask", "--findings", TALL, "--top", "2"])
    text = capsys.readouterr().out
    assert text_code == 0
    assert questions[0]["name"] in text
    assert "decision support" in text.lower()


@pytest.mark.slow
def test_what_an_answer_does_is_what_the_differential_then_says(capsys: pytest.CaptureFixture[str]) -> None:
    (question,) = asked(capsys, "--findings", TALL, "--top", "1")["questions"]
    for sign, outcome in (("", question["if_yes"]), ("-", question["if_no"])):
        findings = f"{TALL},{sign}{question['term_id']}"
        assert main(["diagnose", "--json", "--top", "1", "--findings", findings]) == 0
        (first,) = json.loads(capsys.readouterr().out)["differential"]
        assert (first["disease_id"], first["probability"]) == (
            outcome["disease_id"],
            pytest.approx(outcome["probability"], rel=1e-6),
        )


@pytest.mark.slow
def test_one_disease_is_ruled_in_under_either_of_its_ids(capsys: pytest.CaptureFixture[str]) -> None:
    by_omim = asked(capsys, "--findings", TALL, "--rule-in", "OMIM:154700")
    assert by_omim == asked(capsys, "--findings", TALL, "--rule-in", "ORPHA:558")
    assert by_omim["suspect"]["name"] == "Marfan syndrome"
    assert {q["if_yes"]["disease_id"] for q in by_omim["questions"]} == {"OMIM:154700"}


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ([], 2, "name one of --patient"),
        (["--findings", TALL, "--rule-in", "OMIM:0"], 1, "OMIM:0 is not a disease"),
        (["--findings", TALL, "--top", "0"], 2, "--top must be at least 1"),
        (["--findings", TALL, "--skip", "fever"], 2, "is no HPO id"),
    ],
)
def test_what_can_not_be_asked_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], argv: list[str], code: int, said: str
) -> None:
    assert main(["ask", *argv]) == code
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.slow
def test_a_table_of_costs_is_checked_and_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[3] / "resources" / "questions" / "costs.toml").read_text("utf-8")
    ours = tmp_path / "ours.toml"
    ours.write_text(shipped.replace("ask = 1.0", "ask = 1000.0"), "utf-8")
    checked = asked(capsys, "--costs", str(ours))
    assert checked["classes"]["ask"]["cost"] == 1000.0
    assert sum(row["findings"] for row in checked["classes"].values()) > 10_000
    kinds = {q["cost_class"] for q in asked(capsys, "--findings", TALL, "--costs", str(ours))["questions"]}
    assert "ask" not in kinds
    ours.write_text(shipped.replace('"HP:0012531" = "ask"', '"HP:0012531" = "guess"'), "utf-8")
    wrong = next(n for n, line in enumerate(shipped.splitlines(), 1) if '"HP:0012531"' in line)
    assert main(["ask", "--costs", str(ours)]) == 1
    assert f"ours.toml: line {wrong}: HP:0012531" in capsys.readouterr().err


@pytest.mark.slow
def test_a_long_note_is_told_to_be_read_meanwhile(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    visits = (f"Visit {n}: long fingers and scoliosis, seen {n} times." for n in range(120))
    note.write_text("\n".join(visits), encoding="utf-8")
    assert main(["ask", "--json", "--text", str(note)]) == 0
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    shares = [line["share"] for line in told if line["progress"].startswith("reading the notes")]
    assert len(shares) > 1
    assert shares == sorted(set(shares))
