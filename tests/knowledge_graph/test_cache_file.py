"""A cache is written whole or not at all; a full disk leaves nothing of it and is no error."""

import sys
from pathlib import Path

import pytest

from knowledge_graph.sources.cache_file import keep, kept


def test_what_is_kept_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "cache.bin"
    for data in (b"old", b"", b"new"):
        keep(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    keep(tmp_path / "absent" / "cache.bin", b"new")
    assert not (tmp_path / "absent").exists()


def test_what_is_not_there_yet_is_not_said_and_what_is_damaged_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cache.bin"
    assert kept(path, Path.read_bytes) is None
    keep(path, b"whole")
    assert kept(path, Path.read_bytes) == b"whole"
    assert caplog.messages == []
    assert kept(path, lambda _: None) is None
    assert kept(tmp_path, Path.read_bytes) is None  # a folder in its place
    assert [said.split(",")[0] for said in caplog.messages] == ["cache.bin", tmp_path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_disk_that_takes_no_more_leaves_the_old_and_no_draft(tmp_path: Path) -> None:
    import resource

    path = tmp_path / "cache.bin"
    keep(path, b"old")
    _, most = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
    try:
        keep(path, b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
