"""A file that is handed on appears whole, for its owner alone, or not at all."""

import os
from pathlib import Path

import pytest

from app.errors import UsageError
from app.workflows.write_file import write_file


def test_a_file_is_written_for_its_owner_alone_and_never_over_another(tmp_path: Path) -> None:
    write_file(tmp_path / "a.fedupdate", b"one")
    assert [p.name for p in tmp_path.iterdir()] == ["a.fedupdate"]
    assert os.name != "posix" or (tmp_path / "a.fedupdate").stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="there already"):
        write_file(tmp_path / "a.fedupdate", b"two")
    assert (tmp_path / "a.fedupdate").read_bytes() == b"one"


def test_a_folder_that_is_missing_or_full_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="make it first"):
        write_file(tmp_path / "none" / "a", b"one")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"can't be written \(No space left on device\)"):
        write_file(tmp_path / "a", b"one")
    assert list(tmp_path.iterdir()) == []
