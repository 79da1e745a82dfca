"""A new data key: whatever stops the change, the vault opens with one of the keys, and all rows."""

import errno
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.errors import VaultDamaged, VaultError, VaultLocked, WrongPassphrase
from app.store import anchor
from app.store.check import check_vault
from app.store.durable_file import read_regular
from app.store.header import RECOVERY, Role, read_header, unlock
from app.store.key_derivation import KdfParameters
from app.store.people import add_user, remove_user
from app.store.rights import Right
from app.store.signing_keys import officer_public_keys
from app.store.vault import Vault
from tests.app.store.disk_states import digest, recorded_states
from tests.app.store.prepared_rekey import prepare_rekey

FAST = KdfParameters.fast_for_tests()
ANN, BOB, EVE = "passphrase of ann", "passphrase of bob", "passphrase of eve"
ADA = PatientId("p-1")


def open_as(path: Path, user: str = "ann", secret: str = ANN, *, read_only: bool = False) -> Vault:
    return Vault.open(path, user=user, passphrase=secret, read_only=read_only)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("rekey") / "t.vault"
    vault, words = Vault.create(path, user="ann", passphrase=ANN, kdf=FAST)
    with vault:
        vault.put_records(
            [Patient(ADA, "Ada Sample"), Note(NoteId("n-1"), ADA, "She has seizures.")], origin="t"
        )
        add_user(vault, user="bob", passphrase=BOB, role=Role.PRIVACY_OFFICER, kdf=FAST)
        add_user(vault, user="eve", passphrase=EVE, role=Role.CLINICIAN, kdf=FAST)
        for name in ("one", "two"):
            (vault.models_dir / name).write_bytes(vault.seal(f"model:{name}", name.encode() * 100))
    return path, words


@pytest.fixture
def path(template: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(template[0], tmp_path / "t.vault"))


def rekeyed(path: Path) -> str:
    change = prepare_rekey(open_as(path), passphrase=ANN, keep={"bob": BOB})
    change.commit()
    return change.recovery_words


def assert_whole(vault: Vault) -> None:
    assert vault.patient_count() == 1
    if vault.may(Right.CHARTS):
        assert vault.chart(ADA).notes[0].text == "She has seizures."
    assert check_vault(vault).problems == ()
    for name in ("one", "two"):
        sealed = (vault.models_dir / name).read_bytes()
        assert vault.unseal(f"model:{name}", sealed) == name.encode() * 100


def test_after_a_change_the_kept_users_open_and_the_old_key_opens_nothing(
    path: Path, template: tuple[Path, str]
) -> None:
    old_key = unlock(read_header(path), "ann", ANN).current
    words = rekeyed(path)
    for user, secret in (("ann", ANN), ("bob", BOB)):
        with open_as(path, user, secret) as vault:
            assert_whole(vault)
            assert vault.data_key() != old_key
    with Vault.open(path, user=RECOVERY, passphrase=words) as vault:
        assert_whole(vault)
    with pytest.raises(VaultLocked, match="wrong"):
        Vault.open(path, user=RECOVERY, passphrase=template[1])
    with pytest.raises(VaultLocked, match="wrong"):
        open_as(path, "eve", EVE)
    shutil.copy(template[0] / "header.json", path / "header.json")
    with pytest.raises(VaultDamaged, match="exchanged"):
        open_as(path)


def test_who_was_not_taken_along_is_named(path: Path) -> None:
    change = prepare_rekey(open_as(path), passphrase=ANN)
    assert change.must_be_added_again == ("bob", "eve")
    change.close()


def test_a_privacy_officer_who_was_left_out_comes_back_with_her_signing_key(path: Path) -> None:
    with open_as(path) as vault:
        public = officer_public_keys(vault)
    prepare_rekey(open_as(path), passphrase=ANN).commit()
    with open_as(path) as vault:
        with pytest.raises(VaultLocked, match="her own"):
            add_user(vault, user="bob", passphrase=EVE, role=Role.PRIVACY_OFFICER, kdf=FAST)
        assert read_header(path).slot("bob") is None
        add_user(vault, user="bob", passphrase=BOB, role=Role.PRIVACY_OFFICER, kdf=FAST)
        assert officer_public_keys(vault) == public
    with open_as(path, "bob", BOB) as vault:
        assert_whole(vault)


def test_a_change_that_is_given_up_changes_nothing(path: Path, template: tuple[Path, str]) -> None:
    change = prepare_rekey(open_as(path), passphrase=ANN)
    change.close()
    change.close()
    with Vault.open(path, user=RECOVERY, passphrase=template[1]) as vault:
        assert_whole(vault)
    with open_as(path, "eve", EVE) as vault:
        assert_whole(vault)


def test_a_wrong_passphrase_of_a_kept_user_stops_the_change_before_it_begins(path: Path) -> None:
    with open_as(path) as vault:
        with pytest.raises(VaultLocked):
            prepare_rekey(vault, passphrase=ANN, keep={"bob": "not bobs passphrase"})
        with pytest.raises(VaultLocked):
            prepare_rekey(vault, passphrase="not the passphrase")
        assert_whole(vault)
    assert read_header(path).next_slots == ()


def test_a_reading_window_stops_the_change_before_it_begins(path: Path) -> None:
    with open_as(path) as vault, open_as(path, read_only=True) as reader:
        reader.patient_count()
        with pytest.raises(VaultLocked, match="another window"):
            prepare_rekey(vault, passphrase=ANN)
        vault.set_setting("a", "1")
    with open_as(path) as vault:
        assert_whole(vault)


def test_the_audit_chain_runs_through_a_change_of_key_and_shows_it(path: Path) -> None:
    rekeyed(path)
    rekeyed(path)
    with open_as(path) as vault:
        assert [e.action for e in vault.audit_events()].count("rekeyed") == 2
        assert vault.verify_audit().intact
        connection = vault.session().connection()
        connection.execute("DROP TRIGGER audit_event_stays")
        connection.execute("UPDATE audit_event SET detail = 'other' WHERE action = 'rekeyed'")
        assert not vault.verify_audit().intact


@pytest.fixture(scope="module")
def stopped(template: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], str]:
    """What a kill before each file operation of a change leaves on disk, and the new recovery words."""
    folder = tmp_path_factory.mktemp("stopped")
    path = Path(shutil.copytree(template[0], folder / "t.vault"))
    with recorded_states(path, folder) as states:
        words = rekeyed(path)
    return states, words


@pytest.fixture
def states(stopped: tuple[list[Path], str], tmp_path: Path) -> list[Path]:
    return [Path(shutil.copytree(state, tmp_path / state.name)) for state in stopped[0]]


@pytest.mark.slow
def test_a_kill_at_any_file_operation_leaves_a_vault_that_opens_with_all_rows(
    states: list[Path], stopped: tuple[list[Path], str], template: tuple[Path, str]
) -> None:
    assert len(states) > 10
    in_force = []
    for state in states:
        with open_as(state, "bob", BOB, read_only=True) as vault:
            assert_whole(vault)
            assert "opened read-only" in str(vault.read_only_because)
        with open_as(state) as vault:
            assert_whole(vault)
            vault.set_setting("after", "the stop")
        assert not {p.name for p in state.iterdir()} & {"vault.db.rekey", "anchor.next", "model.rekey"}
        in_force.append(_words_that_open(state, old=template[1], new=stopped[1]))
    assert set(in_force) == {"old", "new"}
    assert sorted(in_force, reverse=True) == in_force


def _words_that_open(state: Path, *, old: str, new: str) -> str:
    """Exactly one of the two sheets of recovery words opens a vault."""
    opened = []
    for name, words in (("old", old), ("new", new)):
        try:
            with Vault.open(state, user=RECOVERY, passphrase=words) as vault:
                assert vault.setting("after") == "the stop"
            opened.append(name)
        except VaultLocked:
            pass
    assert len(opened) == 1
    return opened[0]


@pytest.mark.slow
def test_who_was_left_out_is_told_so_after_a_stop(states: list[Path]) -> None:
    outcomes = set()
    for state in states:
        try:
            with open_as(state, "eve", EVE) as vault:
                assert_whole(vault)
            outcomes.add("opens")
        except VaultLocked as error:
            outcomes.add(str(error)[:20])
    assert outcomes == {"opens", "the vault's key was ", "user or passphrase i"}


@pytest.mark.slow
def test_the_new_words_alone_finish_a_change_or_are_void(
    states: list[Path], stopped: tuple[list[Path], str]
) -> None:
    for state in states:
        try:
            with Vault.open(state, user=RECOVERY, passphrase=stopped[1]) as vault:
                assert_whole(vault)
        except VaultLocked:
            with open_as(state) as vault:
                assert_whole(vault)


def test_a_full_disk_in_the_first_phase_changes_nothing(path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    vault = open_as(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(VaultError, match="disk"):
            prepare_rekey(vault, passphrase=ANN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    vault.close()
    assert not (path / "vault.db.rekey").exists()
    with open_as(path) as again:
        assert_whole(again)


def test_an_altered_header_is_not_sealed_anew(path: Path) -> None:
    with open_as(path) as vault:
        text = (path / "header.json").read_text("utf-8")
        (path / "header.json").write_text(text.replace('"user": "eve"', '"user": "mal"'), "utf-8")
        for deed in (
            lambda: prepare_rekey(vault, passphrase=ANN),
            lambda: remove_user(vault, user="bob"),
            lambda: add_user(vault, user="x", passphrase=EVE, role=Role.CLINICIAN, kdf=FAST),
        ):
            with pytest.raises(VaultDamaged, match="header was altered"):
                deed()


def test_a_file_beside_the_models_that_is_not_sealed_stays_as_it_is(path: Path) -> None:
    (path / "models" / "plain").write_bytes(b"plain")
    before = (path / "models" / "one").stat().st_mtime_ns
    rekeyed(path)
    assert (path / "models" / "plain").read_bytes() == b"plain"
    assert (path / "models" / "one").stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.02, 0.04])
def test_a_killed_process_leaves_a_vault_that_opens_with_all_rows(path: Path, after_s: float) -> None:
    words = f"-m app vault rekey --vault {path} --user ann --passphrase-stdin"
    child = subprocess.Popen(
        [sys.executable, *words.split()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[3],
    )
    assert child.stdin is not None
    child.stdin.write(ANN.encode() + b"\n")
    child.stdin.flush()
    while not (path / "vault.db.rekey").exists() and child.poll() is None:
        time.sleep(0.001)
    time.sleep(after_s)  # on a busy machine it may have finished by then, which must hold as well
    child.kill()
    child.communicate()
    with open_as(path) as vault:
        assert_whole(vault)


def test_an_anchor_that_cannot_be_read_for_a_moment_is_not_thrown_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = prepare_rekey(open_as(path), passphrase=ANN)

    def broken(read: Path, *, largest: int) -> bytes:
        if read.name == "anchor.next":
            raise OSError(errno.EIO, "Input/output error")
        return read_regular(read, largest=largest)

    with monkeypatch.context() as patched:
        patched.setattr(anchor, "read_regular", broken)
        with pytest.raises(VaultError, match="settled when the vault is opened next"):
            change.commit()
    with open_as(path) as vault:
        assert_whole(vault)
        assert not vault.read_only


def test_the_recovery_slot_can_change_the_key_too(path: Path, template: tuple[Path, str]) -> None:
    vault = Vault.open(path, user=RECOVERY, passphrase=template[1])
    change = prepare_rekey(vault, passphrase=template[1])
    change.commit()
    with Vault.open(path, user=RECOVERY, passphrase=change.recovery_words) as again:
        assert_whole(again)
        add_user(again, user="ann", passphrase=ANN, role=Role.CLINICIAN, kdf=FAST)
    with open_as(path) as vault:
        assert_whole(vault)
    with pytest.raises(WrongPassphrase):
        Vault.open(path, user=RECOVERY, passphrase="not twelve words")


def test_nothing_of_a_change_is_left_in_the_folder(path: Path) -> None:
    names = set(digest(path))
    rekeyed(path)
    assert set(digest(path)) == names
