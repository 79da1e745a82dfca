"""An older database, a lost or altered log, a removed anchor: said, and open for reading only."""

import hashlib
import random
import shutil
from pathlib import Path

import pytest

from app.errors import VaultDamaged, VaultError
from app.store.check import check_vault
from app.store.vault import Vault
from ml.privacy.ledger import LedgerEntry
from tests.app.store.disk_states import digest
from tests.app.store.refusal import FAST, SCRATCH, SECRET, assert_only_reads, open_it


@pytest.mark.slow
def test_a_cut_or_altered_log_is_said_and_nothing_is_changed(stopped: Path, tmp_path: Path) -> None:
    dice, size = random.Random(9), (stopped / "vault.db-wal").stat().st_size
    for turn in range(24):
        state = Path(shutil.copytree(stopped, tmp_path / f"s{turn}"))
        log = state / "vault.db-wal"
        data = bytearray(log.read_bytes())
        at = dice.randrange(32, size)
        if turn % 2:
            del data[at:]
        else:
            data[at] ^= 1 << dice.randrange(8)
        log.write_bytes(data)
        before = digest(state, without=SCRATCH)
        try:
            with open_it(state) as vault:
                assert "older than the vault's anchor" in str(vault.read_only_because)
        except VaultDamaged:
            pass
        assert digest(state, without=SCRATCH) == before


def test_a_lost_log_is_said_and_nothing_is_changed(stopped: Path) -> None:
    (stopped / "vault.db-wal").unlink()
    before = digest(stopped, without=SCRATCH)
    with open_it(stopped) as vault:
        assert "older than the vault's anchor" in str(vault.read_only_because)
    after = digest(stopped, without=SCRATCH)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) <= {"vault.db-wal"}
    assert after.get("vault.db-wal", digest_of_nothing()) == digest_of_nothing()


def digest_of_nothing() -> str:
    return hashlib.sha256(b"").hexdigest()


def test_an_older_database_put_back_opens_read_only_and_says_so(path: Path) -> None:
    old = (path / "vault.db").read_bytes()
    with open_it(path) as vault:
        vault.set_setting("a", "1")
    (path / "vault.db").write_bytes(old)
    assert_only_reads(path, "older than the vault's anchor")


def test_a_database_that_is_ahead_of_its_anchor_opens_read_only(path: Path) -> None:
    anchors = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    with open_it(path) as vault:
        vault.set_setting("a", "1")
        vault.set_setting("b", "1")
    for name, data in anchors.items():
        (path / name).write_bytes(data)
    assert_only_reads(path, "different histories")


@pytest.mark.parametrize("damage", [b"", b"x", b"x" * 600])
def test_both_anchors_altered_open_read_only(path: Path, damage: bytes) -> None:
    for name in ("anchor.0", "anchor.1"):
        (path / name).write_bytes(damage)
    assert_only_reads(path, "missing or altered")


def test_the_older_anchor_removed_may_hide_a_commit_and_is_said(path: Path) -> None:
    slots = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    with open_it(path):
        pass  # one commit: its anchor takes the older slot
    (older,) = (n for n in slots if (path / n).read_bytes() == slots[n])
    (path / older).unlink()
    assert_only_reads(path, "one of the vault's two anchors")


def test_the_newest_commit_and_its_anchor_taken_away_together_are_said(path: Path) -> None:
    with open_it(path) as vault:
        vault.set_setting("a", "1")
    before = (path / "vault.db").read_bytes()
    slots = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    with open_it(path) as vault:
        pass
    (changed,) = (n for n in slots if (path / n).read_bytes() != slots[n])
    (path / "vault.db").write_bytes(before)
    (path / changed).unlink()
    assert_only_reads(path, "perhaps the newest one")


def test_another_epsilon_than_the_anchored_one_is_said(path: Path) -> None:
    with open_it(path) as vault:
        vault.append_ledger(LedgerEntry("r", "all", "gaussian", 0.1, 1.0, 1.0, 10, 1e-5, 0.7, "2026"))
    for _ in range(2):
        with open_it(path) as vault:
            assert not vault.read_only
    with open_it(path) as vault:
        connection = vault.session().connection()
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger_entry'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM ledger_entry")
    assert_only_reads(path, "epsilon that was spent")


def test_the_anchors_of_another_vault_are_not_believed(path: Path, tmp_path: Path) -> None:
    Vault.create(tmp_path / "o", user="ann", passphrase=SECRET, kdf=FAST)[0].close()
    for name in ("anchor.0", "anchor.1"):
        shutil.copy(tmp_path / "o" / name, path / name)
    assert_only_reads(path, "missing or altered")


def test_a_stop_between_commit_and_anchor_loses_nothing(path: Path) -> None:
    old = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    with open_it(path) as vault:  # one commit: "vault-opened"
        pass
    for torn in (False, True):
        for name, data in old.items():
            changed = (path / name).read_bytes() != data
            (path / name).write_bytes(data[:100] if torn and changed else data)
        state = shutil.copytree(path, path.with_name(f"torn-{torn}"))
        with open_it(Path(state)) as vault:
            assert not vault.read_only
            assert check_vault(vault).sound


def test_when_the_anchor_cannot_be_written_the_vault_stops_and_loses_nothing(path: Path) -> None:
    vault = open_it(path)
    kept = {n: (path / n).read_bytes() for n in ("anchor.0", "anchor.1")}
    for name in kept:
        (path / name).unlink()
        (path / name).mkdir()
    with pytest.raises(VaultError, match="anchor file could not be written"):
        vault.set_setting("a", "1")
    with pytest.raises(VaultError, match="nothing can be changed"):
        vault.set_setting("b", "1")
    vault.close()
    for name, data in kept.items():
        (path / name).rmdir()
        (path / name).write_bytes(data)
    with open_it(path) as again:
        assert not again.read_only
        assert (again.setting("a"), again.setting("b")) == ("1", None)
