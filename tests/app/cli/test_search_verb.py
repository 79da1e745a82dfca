"""A search never touches a vault, and says what it would cost to."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.main import main


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("--vault", "clinic.vault", "--trials", "10", "--folds", "3"),
            1,
            "up to 90; search on synthetic patients",
        ),
        (("--scope", "everything"), 2, "--scope is one of head"),
        (("--trials", "0"), 2, "--trials must be at least 1"),
        (("--epsilon", "0"), 2, "above 0"),
        (("--threads", "0"), 2, "--threads must be at least 1"),
        (("--threads", "100000"), 2, "--threads must be at most 1024"),
        (("--seed", "-1"), 2, "--seed must be at least 0"),
    ],
)
def test_what_can_not_be_searched_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    journal = tmp_path / "journal"
    assert main(["search", "--journal", str(journal), *words]) == code
    assert said in capsys.readouterr().err
    assert not journal.exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder", "is a folder; name a file"),
        ("gone/journal", "there is no folder"),
        ("note.txt", "is no journal of a search"),
        ("other.json", "is no journal of a search"),
        ("picture.png", "is no journal of a search"),
        ("torn", "line 2 of the journal"),
    ],
)
def test_what_is_no_journal_is_told_in_one_line_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    contents = {"note.txt": b"He has a fever.\n", "other.json": b'{"a": 1}\n', "picture.png": b"\x89PNG\xff"}
    contents["torn"] = b'{"op_code": 0}\n{"op_co\n{"op_code": 1}\n'
    for file, content in contents.items():
        (tmp_path / file).write_bytes(content)
    assert main(["search", "--journal", str(tmp_path / name)]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert said in told
    assert {file: (tmp_path / file).read_bytes() for file in contents} == contents


def test_searches_whose_values_can_not_be_compared_are_other_studies() -> None:
    from app.workflows.search_settings import SearchPlan

    plan = SearchPlan(journal=Path("j"), cache_dir=Path("c"))
    others = [replace(plan, folds=3), replace(plan, notes=99), replace(plan, seed=1)]
    assert len({p.name for p in (plan, *others)}) == 4
    assert replace(plan, trials=50, threads=1).name == plan.name  # the same search, for longer
