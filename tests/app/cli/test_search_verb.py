"""A search never touches a vault, and says what it would cost to."""

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
    ],
)
def test_what_can_not_be_searched_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, said: str
) -> None:
    journal = tmp_path / "journal"
    assert main(["search", "--journal", str(journal), *words]) == code
    assert said in capsys.readouterr().err
    assert not journal.exists()
