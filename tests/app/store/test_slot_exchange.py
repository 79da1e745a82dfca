"""The newest commit taken away, and a slot of the anchor copied or swapped to hide that: it is said."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.store.anchor import AnchorFile
from app.store.backup import back_up, restore
from app.store.check import check_vault
from tests.app.store.former_anchor import make_former, write_former
from tests.app.store.log_cuts import cut_logs
from tests.app.store.prepared_rekey import prepare_rekey
from tests.app.store.refusal import SECRET, assert_only_reads, open_it

SLOTS = ("anchor.0", "anchor.1")


def key_of(path: Path) -> bytes:
    with open_it(path, read_only=True) as vault:
        return vault.data_key()


def copy_older_over_newer(path: Path) -> None:
    newer, older = by_age(path)
    shutil.copy(path / older, path / newer)


def copy_newer_over_older(path: Path) -> None:
    newer, older = by_age(path)
    shutil.copy(path / newer, path / older)


def swap(path: Path) -> None:
    first, second = ((path / name).read_bytes() for name in SLOTS)
    (path / SLOTS[0]).write_bytes(second)
    (path / SLOTS[1]).write_bytes(first)


def by_age(path: Path) -> tuple[str, str]:
    newest = AnchorFile(path, key_of(path)).read()
    assert newest is not None
    return SLOTS[newest.sequence % 2], SLOTS[1 - newest.sequence % 2]


EXCHANGES = (copy_older_over_newer, copy_newer_over_older, swap)


@pytest.mark.parametrize("former", [False, True])
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_log_cut_by_its_newest_commit_is_said_whatever_slot_takes_anothers_place(
    stopped: Path, exchange: Callable[[Path], None], former: bool
) -> None:
    if former:
        make_former(stopped, key_of(stopped))
    exchange(stopped)
    log = stopped / "vault.db-wal"
    log.write_bytes(cut_logs(log.read_bytes())[-2])
    assert_only_reads(stopped, "anchor")


@pytest.mark.parametrize("former", [False, True])
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_earlier_database_is_said_whatever_slot_takes_anothers_place(
    path: Path, exchange: Callable[[Path], None], former: bool
) -> None:
    with open_it(path):
        pass
    earlier = (path / "vault.db").read_bytes()
    with open_it(path):
        pass  # one commit
    if former:
        make_former(path, key_of(path))
    exchange(path)
    (path / "vault.db").write_bytes(earlier)
    assert_only_reads(path, "anchor")


def test_slots_of_the_first_form_open_and_are_written_anew(path: Path) -> None:
    make_former(path, key_of(path))
    for _ in range(3):
        with open_it(path) as vault:
            assert not vault.read_only
            assert check_vault(vault).sound
    for name in SLOTS:
        kept = (path / name).read_bytes()
        (path / name).write_bytes(b"")
        assert len(AnchorFile(path, key_of(path)).slots()) == 1
        (path / name).write_bytes(kept)


def test_a_stop_at_the_first_commit_over_the_first_form_loses_nothing(path: Path) -> None:
    make_former(path, key_of(path))
    former = {name: (path / name).read_bytes() for name in SLOTS}
    with open_it(path):
        pass  # one commit
    (written,) = (name for name in SLOTS if (path / name).read_bytes() != former[name])
    for content in (former[written], former[written][:100]):
        state = Path(shutil.copytree(path, path.with_name(f"s{len(content)}")))
        (state / written).write_bytes(content)
        with open_it(state) as vault:
            assert not vault.read_only
            assert check_vault(vault).sound


def test_a_slot_of_the_first_form_counts_not_beside_a_later_history(path: Path) -> None:
    key = key_of(path)
    make_former(path, key)
    former = {name: (path / name).read_bytes() for name in SLOTS}
    with open_it(path) as vault:
        for value in "abc":
            vault.set_setting("kept", value)
    newer, _ = by_age(path)
    (path / newer).write_bytes(former[newer])
    assert len(AnchorFile(path, key).slots()) == 1


@pytest.mark.slow
def test_a_backup_of_the_first_form_is_restored_and_its_folder_only_read(path: Path, tmp_path: Path) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b")
    make_twins(tmp_path / "b")
    with open_it(tmp_path / "b") as copy:
        assert "two anchors are the same" in str(copy.read_only_because)
    restore(tmp_path / "b", tmp_path / "r", user="ann", passphrase=SECRET, replacing=path)
    with open_it(tmp_path / "r") as again:
        assert not again.read_only
        assert check_vault(again).sound


def test_a_vault_whose_key_was_changed_last_opens_from_the_first_form(path: Path) -> None:
    prepare_rekey(open_it(path), passphrase=SECRET).commit()
    make_twins(path)
    for _ in range(2):
        with open_it(path) as vault:
            assert not vault.read_only


def make_twins(path: Path) -> None:
    key = key_of(path)
    anchor = AnchorFile(path, key).read()
    assert anchor is not None
    for name in SLOTS:
        write_former(path / name, key, anchor)
