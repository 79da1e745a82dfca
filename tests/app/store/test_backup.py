"""Backups are whole, of one moment, and never give privacy budget back."""

import shutil
import threading
from pathlib import Path

import pytest

from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked
from app.store.backup import EPSILON_FLOOR, back_up, restore
from app.store.check import check_vault
from app.store.key_derivation import KdfParameters
from app.store.people import change_passphrase
from app.store.sealed_copy import copy_sealed
from app.store.vault import Vault
from app.store.writer_lock import WriterLock
from ml.privacy.ledger import LedgerEntry
from tests.app.store.disk_states import digest, recorded_states
from tests.app.store.prepared_rekey import prepare_rekey

FAST = KdfParameters.fast_for_tests()
SECRET = "correct horse battery"


def open_it(path: Path, secret: str = SECRET) -> Vault:
    return Vault.open(path, user="ann", passphrase=secret)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "v"
    vault, _ = Vault.create(path, user="ann", passphrase=SECRET, kdf=FAST)
    with vault:
        vault.put_records([Patient(PatientId("p-1"), "Ada Sample")], origin="t")
        (vault.models_dir / "one").write_bytes(vault.seal("m", b"weights"))
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "v"))


def spend(vault: Vault, epsilon: float) -> None:
    vault.append_ledger(LedgerEntry("run", "all", "gaussian", 0.1, 1.0, 1.0, 10, 1e-5, epsilon, "2026"))


def floor_of(path: Path, secret: str = SECRET) -> str | None:
    with open_it(path, secret) as vault:
        return vault.setting(EPSILON_FLOOR)


@pytest.mark.slow
def test_a_vault_that_is_being_written_gives_a_sound_backup(path: Path, tmp_path: Path) -> None:
    with open_it(path) as vault:
        stop = threading.Event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                vault.set_setting("turn", str(number := number + 1))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                back_up(vault, tmp_path / f"b{number}", passphrase=SECRET)
        finally:
            stop.set()
            writer.join()
    for number in range(5):
        with open_it(tmp_path / f"b{number}") as copy:
            assert check_vault(copy).sound


@pytest.mark.slow
def test_a_backup_appears_whole_or_not_at_all(path: Path, tmp_path: Path) -> None:
    outside = tmp_path / "out"
    outside.mkdir()
    with open_it(path) as vault, recorded_states(outside, tmp_path / "states") as states:
        back_up(vault, outside / "b", passphrase=SECRET)
    whole = [state for state in states if (state / "b").exists()]
    assert len(whole) >= 1
    for state in whole:
        with open_it(state / "b") as copy:
            assert check_vault(copy).sound


def test_nobody_elses_folder_is_touched(path: Path, tmp_path: Path) -> None:
    for name in ("b.partial", ".b.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_bytes(b"mine")
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
        with pytest.raises(UsageError, match="there already"):
            back_up(vault, tmp_path / "b", passphrase=SECRET)
        with pytest.raises(UsageError, match="inside"):
            back_up(vault, path / "models" / "b", passphrase=SECRET)
        with pytest.raises(VaultLocked):
            back_up(vault, tmp_path / "c", passphrase="not the passphrase")
    assert not (tmp_path / "c").exists()
    assert (tmp_path / "b.partial" / "mine").read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir() if "partial" in p.name and not (p / "mine").exists()] == []


def test_an_altered_backup_is_not_restored(path: Path, tmp_path: Path) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
    database = tmp_path / "b" / "vault.db"
    data = bytearray(database.read_bytes())
    data[-2000] ^= 1
    database.write_bytes(data)
    before = digest(tmp_path / "b")
    with pytest.raises(VaultDamaged):
        restore(tmp_path / "b", tmp_path / "n", user="ann", passphrase=SECRET)
    assert digest(tmp_path / "b") == before
    assert not (tmp_path / "n").exists()


def test_restoring_again_and_again_gives_no_budget_back(path: Path, tmp_path: Path) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
        spend(vault, 0.7)
    restore(tmp_path / "b", tmp_path / "n1", user="ann", passphrase=SECRET, replacing=path)
    assert floor_of(tmp_path / "n1") == "0.7"
    restore(tmp_path / "b", tmp_path / "n2", user="ann", passphrase=SECRET, replacing=tmp_path / "n1")
    assert floor_of(tmp_path / "n2") == "0.7"
    with open_it(tmp_path / "n2") as vault:
        spend(vault, 0.9)
        back_up(vault, tmp_path / "b2", passphrase=SECRET)
    restore(tmp_path / "b2", tmp_path / "n3", user="ann", passphrase=SECRET, replacing=tmp_path / "n2")
    assert floor_of(tmp_path / "n3") == "0.9"


def test_a_backup_is_only_read_until_it_is_restored(path: Path, tmp_path: Path) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
        spend(vault, 0.7)
    with open_it(tmp_path / "b") as copy:
        assert "restore it first" in str(copy.read_only_because)
        assert check_vault(copy).sound
        with pytest.raises(VaultError, match="nothing can be changed"):
            spend(copy, 0.7)
        back_up(copy, tmp_path / "again")
    restore(tmp_path / "again", tmp_path / "n", user="ann", passphrase=SECRET, replacing=path)
    with open_it(tmp_path / "n") as again:
        assert not again.read_only
        assert again.setting(EPSILON_FLOOR) == "0.7"


@pytest.mark.parametrize("sealed", [False, True])
def test_a_backup_can_not_stand_for_the_vault_that_was_in_use(
    path: Path, tmp_path: Path, sealed: bool
) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b1", passphrase=SECRET)
        vault.set_setting("a", "1")
        if not sealed:
            back_up(vault, tmp_path / "b2", passphrase=SECRET)
    if sealed:
        copy_sealed(path, tmp_path / "b2")
    with open_it(path) as vault:
        spend(vault, 0.7)
    restore(tmp_path / "b1", tmp_path / "n", user="ann", passphrase=SECRET, replacing=tmp_path / "b2")
    assert floor_of(tmp_path / "n") == "unknown"


def test_where_it_is_not_known_what_was_spent_it_stays_so(path: Path, tmp_path: Path) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
    restore(tmp_path / "b", tmp_path / "n1", user="ann", passphrase=SECRET)
    assert floor_of(tmp_path / "n1") == "unknown"
    restore(tmp_path / "b", tmp_path / "n2", user="ann", passphrase=SECRET, replacing=tmp_path / "n1")
    assert floor_of(tmp_path / "n2") == "unknown"
    for name in ("anchor.0", "anchor.1"):
        (path / name).unlink()
    restore(tmp_path / "b", tmp_path / "n3", user="ann", passphrase=SECRET, replacing=path)
    assert floor_of(tmp_path / "n3") == "unknown"


def test_an_older_copy_can_not_stand_for_the_vault_that_was_in_use(path: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(path, tmp_path / "old"))
    with open_it(path) as vault:
        spend(vault, 0.7)
        back_up(vault, tmp_path / "b", passphrase=SECRET)
    with pytest.raises(UsageError, match="not newer"):
        restore(tmp_path / "b", tmp_path / "n", user="ann", passphrase=SECRET, replacing=old)
    Vault.create(tmp_path / "other", user="ann", passphrase=SECRET, kdf=FAST)[0].close()
    with pytest.raises(UsageError, match="another vault"):
        restore(tmp_path / "b", tmp_path / "n", user="ann", passphrase=SECRET, replacing=tmp_path / "other")
    assert not (tmp_path / "n").exists()


def test_a_backup_from_before_a_change_of_key_or_passphrase_knows_what_was_spent(
    path: Path, tmp_path: Path
) -> None:
    with open_it(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
        spend(vault, 0.7)
        change_passphrase(vault, user="ann", old=SECRET, new="another passphrase", kdf=FAST)
    restore(tmp_path / "b", tmp_path / "n1", user="ann", passphrase=SECRET, replacing=path)
    assert floor_of(tmp_path / "n1") == "0.7"
    prepare_rekey(open_it(path, "another passphrase"), passphrase="another passphrase").commit()
    with open_it(path, "another passphrase") as vault:
        change_passphrase(vault, user="ann", old="another passphrase", new=SECRET, kdf=FAST)
    restore(tmp_path / "b", tmp_path / "n2", user="ann", passphrase=SECRET, replacing=path)
    assert floor_of(tmp_path / "n2") == "0.7"


def test_a_vault_whose_anchor_is_lost_has_a_way_out(path: Path, tmp_path: Path) -> None:
    for name in ("anchor.0", "anchor.1"):
        (path / name).unlink()
    with open_it(path) as vault:
        assert vault.read_only
        back_up(vault, tmp_path / "b", passphrase=SECRET)
    restore(tmp_path / "b", tmp_path / "n", user="ann", passphrase=SECRET, replacing=path)
    with open_it(tmp_path / "n") as again:
        assert again.patient_count() == 1
        assert again.unseal("m", (again.models_dir / "one").read_bytes()) == b"weights"
        again.set_setting("a", "1")
    assert floor_of(tmp_path / "n") == "unknown"


def test_a_backup_that_cannot_be_written_leaves_nothing(path: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with open_it(path) as vault, pytest.raises(VaultError, match="could not be written"):
        back_up(vault, blocked / "b", passphrase=SECRET)


@pytest.mark.slow
def test_what_a_killed_backup_left_is_removed_by_the_next_and_nothing_else(
    path: Path, tmp_path: Path
) -> None:
    outside, kept = tmp_path / "out", {f".b.{'0' * 32}.partial", ".b.partial", f".c.{'1' * 32}.partial"}
    outside.mkdir()
    with open_it(path) as vault:
        with recorded_states(outside, tmp_path / "states") as states:
            back_up(vault, outside / "b", passphrase=SECRET)
        for state in states:
            back_up(vault, state / "next", passphrase=SECRET)
            assert {p.name for p in state.iterdir()} <= {"b", "next"} | _without_a_lock(state)
        shutil.rmtree(outside)
        for name in kept:
            (outside / name).mkdir(parents=True)
            (outside / name / "mine").write_bytes(b"mine")
        busy = WriterLock(outside / f".c.{'1' * 32}.partial", "being-written.lock")
        back_up(vault, outside / "b", passphrase=SECRET)
        busy.release()
    assert {p.name for p in outside.iterdir()} == kept | {"b"}


def _without_a_lock(state: Path) -> set[str]:
    """A kill before the lock was there leaves an empty folder, which may be anybody's."""
    return {p.name for p in state.glob(".*.partial") if list(p.iterdir()) == []}
