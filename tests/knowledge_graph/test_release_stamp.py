"""The content hash is remembered as long as no file has changed, and worked out again where one has."""

import os
import time
from pathlib import Path

import pytest

from knowledge_graph.sources import release_stamp
from knowledge_graph.sources.hpo_release import HpoRelease, content_hash
from knowledge_graph.sources.release_stamp import SETTLED_NS, remembered_hash
from tests.knowledge_graph.mini_release import HPOA, write_mini_release

Reads = list[HpoRelease]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """The releases that were read to be hashed."""
    seen: Reads = []

    def counted(release: HpoRelease) -> str:
        seen.append(release)
        return content_hash(release)

    monkeypatch.setattr(release_stamp, "content_hash", counted)
    return seen


def later() -> int:
    return time.time_ns() + 2 * SETTLED_NS


def test_files_that_stay_as_they_are_are_read_once(tmp_path: Path, reads: Reads) -> None:
    release = write_mini_release(tmp_path)
    known = [remembered_hash(release, tmp_path, now_ns=later()) for _ in range(3)]
    assert known == [content_hash(release)] * 3
    assert len(reads) == 1


def test_other_content_of_the_same_size_under_the_old_date_is_seen(tmp_path: Path, reads: Reads) -> None:
    release = write_mini_release(tmp_path)
    before = remembered_hash(release, tmp_path, now_ns=later())
    dates = release.associations.stat()
    release.associations.write_text(HPOA.replace("8/10", "9/10"), "utf-8")
    os.utime(release.associations, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert remembered_hash(release, tmp_path, now_ns=later()) != before
    assert len(reads) == 2


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path: Path, reads: Reads) -> None:
    release = write_mini_release(tmp_path)
    for _ in range(2):
        remembered_hash(release, tmp_path, now_ns=time.time_ns())
    assert len(reads) == 2


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b'{"marks": 3}'])
def test_a_damaged_memory_is_said_and_made_anew_once(
    tmp_path: Path, reads: Reads, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    release = write_mini_release(tmp_path)
    known = remembered_hash(release, tmp_path, now_ns=later())
    (stamp,) = tmp_path.glob("release-*.json")
    stamp.write_bytes(damage)
    assert [remembered_hash(release, tmp_path, now_ns=later()) for _ in range(2)] == [known] * 2
    assert len(reads) == 2
    (said,) = caplog.messages
    assert "damaged" in said


def test_no_flipped_bit_of_the_memory_gives_another_hash(
    tmp_path: Path, reads: Reads, caplog: pytest.LogCaptureFixture
) -> None:
    release = write_mini_release(tmp_path)
    known = remembered_hash(release, tmp_path, now_ns=later())
    (stamp,) = tmp_path.glob("release-*.json")
    whole = stamp.read_bytes()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        stamp.write_bytes(flipped)
        assert remembered_hash(release, tmp_path, now_ns=later()) == known
        assert stamp.read_bytes() == whole
    assert len(caplog.messages) == len(whole)


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path, reads: Reads) -> None:
    release = write_mini_release(tmp_path)
    for _ in range(2):
        assert remembered_hash(release, tmp_path / "none", now_ns=later()) == content_hash(release)
    assert len(reads) == 2
