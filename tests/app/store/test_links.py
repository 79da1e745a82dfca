"""A link in the vault's folder leads no write, and no backup, to what lies elsewhere."""

import os
from pathlib import Path

import pytest

from app.errors import VaultDamaged, VaultError
from app.store.backup import back_up, restore
from app.store.durable_file import write_durably
from app.store.header import Role
from app.store.people import add_user
from tests.app.store.refusal import FAST, SECRET, open_it

PRECIOUS = b"precious " * 200


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    (tmp_path / "victim").write_bytes(PRECIOUS)
    return tmp_path / "victim"


def test_a_linked_place_of_the_writer_is_refused_and_nothing_emptied(path: Path, victim: Path) -> None:
    (path / "writer.lock").unlink(missing_ok=True)
    (path / "writer.lock").symlink_to(victim)
    with pytest.raises(VaultError, match="link"):
        open_it(path)
    assert victim.read_bytes() == PRECIOUS


def test_a_linked_anchor_is_not_written_through(path: Path, victim: Path) -> None:
    vault = open_it(path)
    for name in ("anchor.0", "anchor.1"):
        (path / name).unlink()
        (path / name).symlink_to(victim)
    with pytest.raises(VaultError, match="anchor file could not be written"):
        vault.set_setting("a", "1")
    vault.close()
    assert victim.read_bytes() == PRECIOUS


def test_a_linked_draft_of_the_header_is_removed_and_its_target_kept(path: Path, victim: Path) -> None:
    (path / "header.json.new").symlink_to(victim)
    with open_it(path) as vault:
        add_user(vault, user="bob", passphrase=SECRET, role=Role.CLINICIAN, kdf=FAST)
    assert victim.read_bytes() == PRECIOUS
    assert not (path / "header.json").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_under_the_name_of_the_writers_place_is_not_waited_for(path: Path) -> None:
    (path / "writer.lock").unlink(missing_ok=True)
    os.mkfifo(path / "writer.lock")
    with pytest.raises(VaultError, match="no plain file"):
        open_it(path)


def test_a_linked_draft_is_no_way_out_of_the_folder(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "f.new").symlink_to(victim)
    write_durably(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert victim.read_bytes() == PRECIOUS


def test_a_file_that_could_not_be_written_leaves_no_half_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "f").write_bytes(b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_durably(tmp_path / "f", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("f", b"old")]


def test_a_backup_and_a_restore_follow_no_link(path: Path, tmp_path: Path, victim: Path) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "whole")
        (path / "models" / "x").symlink_to(victim)
        with pytest.raises(VaultDamaged, match="link"):
            back_up(vault, tmp_path / "b")
        (path / "models" / "x").unlink()
        (path / "models").rename(tmp_path / "elsewhere")
        (path / "models").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(VaultDamaged, match="link"):
            back_up(vault, tmp_path / "b")
    (tmp_path / "whole" / "models" / "x").symlink_to(victim)
    with pytest.raises(VaultDamaged, match="link"):
        restore(tmp_path / "whole", tmp_path / "r", user="ann", passphrase=SECRET)
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "r").exists()
