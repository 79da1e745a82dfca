"""A bound slot needs passphrase and device; the recovery words and other slots need neither device."""

import hmac
import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked, VaultTooNew, WrongPassphrase
from app.store import device_secret, header
from app.store.backup import back_up, restore
from app.store.device_binding import bind_device, is_bound, unbind_device
from app.store.header import RECOVERY, Role, read_header
from app.store.key_derivation import bound_key
from app.store.people import add_user, change_passphrase, reset_passphrase
from app.store.restoring import rehearse_restore
from app.store.vault import Vault
from tests.app.store.device_keyring import Keyring
from tests.app.store.prepared_rekey import prepare_rekey
from tests.app.store.refusal import FAST, SECRET, open_it
from tests.watching import watch

OTHER = "another passphrase"


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    made = Keyring()
    monkeypatch.setattr(device_secret, "system_store", lambda: made)
    return made


@pytest.fixture
def bound(path: Path, keyring: Keyring) -> Path:
    """The vault, its one clinician bound to the device."""
    with open_it(path) as vault:
        bind_device(vault, passphrase=SECRET)
    return path


def elsewhere(keyring: Keyring) -> None:
    """From here on on another device."""
    keyring.kept.clear()


def test_the_key_of_a_bound_slot_is_hkdf_of_both_halves() -> None:
    passphrase_key, secret = b"p" * 32, b"s" * 32
    drawn = hmac.digest(bytes(32), passphrase_key + secret, sha256)
    by_hand = hmac.digest(drawn, b"anamnesis/bound-slot/abcd\x01", sha256)
    assert bound_key(passphrase_key, secret, "abcd") == by_hand
    assert (
        len({by_hand, *(bound_key(*halves, "abcd") for halves in _one_bit_off(passphrase_key, secret))}) == 3
    )


def _one_bit_off(first: bytes, second: bytes) -> list[tuple[bytes, bytes]]:
    return [(bytes([first[0] ^ 1]) + first[1:], second), (first, second[:-1] + bytes([second[-1] ^ 1]))]


def test_a_bound_slot_opens_here_and_nowhere_else(bound: Path, keyring: Keyring) -> None:
    with open_it(bound) as vault:
        assert vault.patient_count() == 1
        assert vault.audit_events()[1].action == "device-bound"
    with pytest.raises(WrongPassphrase):
        Vault.open(bound, user="ann", passphrase=OTHER)
    elsewhere(keyring)
    for read_only in (True, False):
        with pytest.raises(VaultLocked, match=r"bound to another device.*unbind.*recovery words") as refused:
            open_it(bound, read_only=read_only)
        assert not isinstance(refused.value, WrongPassphrase)


def test_without_the_secret_no_guess_can_be_tried(
    bound: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the right passphrase with another secret of the right size opens the slot."""
    (name,) = keyring.kept
    keyring.kept[name] = "00" * 32
    with pytest.raises(WrongPassphrase):
        open_it(bound)
    elsewhere(keyring)
    tried: list[str] = []
    monkeypatch.setattr(header, "wrapping_key", lambda *_: tried.append("derived"))
    with pytest.raises(VaultLocked, match="bound"):
        open_it(bound)
    assert tried == []


def test_neither_vault_nor_keyring_holds_what_the_other_needs(bound: Path, keyring: Keyring) -> None:
    ((service, device),) = keyring.kept
    secret = keyring.kept[service, device]
    assert len(bytes.fromhex(secret)) == 32
    for file in (file for file in bound.rglob("*") if file.is_file()):
        assert secret.encode() not in file.read_bytes()
        assert bytes.fromhex(secret) not in file.read_bytes()
    with open_it(bound) as vault:
        key = vault.data_key().hex()
    assert not any(word in f"{service}{device}{secret}" for word in ("ann", SECRET, key))


def test_recovery_words_and_unbound_colleagues_open_without_the_device(
    tmp_path: Path, keyring: Keyring
) -> None:
    vault, words = Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=FAST)
    with vault:
        add_user(vault, user="bob", passphrase=OTHER, role=Role.CLINICIAN, kdf=FAST)
        bind_device(vault, passphrase=SECRET)
    elsewhere(keyring)
    Vault.open(vault.path, user="bob", passphrase=OTHER).close()
    with Vault.open(vault.path, user=RECOVERY, passphrase=words) as opened:
        with pytest.raises(UsageError, match="never bound"):
            bind_device(opened, passphrase=words)
        reset_passphrase(opened, user="ann", new=SECRET, kdf=FAST)  # the way out of a lost device
    with open_it(vault.path) as opened:
        assert read_header(opened.path).version == 1


def test_a_change_of_passphrase_and_of_key_keep_the_binding(bound: Path, keyring: Keyring) -> None:
    with open_it(bound) as vault:
        change_passphrase(vault, user="ann", old=SECRET, new=OTHER, kdf=FAST)
    vault = Vault.open(bound, user="ann", passphrase=OTHER)
    prepare_rekey(vault, passphrase=OTHER).commit()
    Vault.open(bound, user="ann", passphrase=OTHER).close()
    assert len(keyring.kept) == 1
    elsewhere(keyring)
    with pytest.raises(VaultLocked, match="bound to another device"):
        Vault.open(bound, user="ann", passphrase=OTHER)


def test_a_colleague_bound_elsewhere_cannot_be_kept_by_a_change_of_key(path: Path, keyring: Keyring) -> None:
    with open_it(path) as vault:
        add_user(vault, user="bob", passphrase=OTHER, role=Role.CLINICIAN, kdf=FAST)
    with Vault.open(path, user="bob", passphrase=OTHER) as vault:
        bind_device(vault, passphrase=OTHER)
    elsewhere(keyring)
    vault = open_it(path)
    with pytest.raises(VaultLocked, match="bound to another device"):
        prepare_rekey(vault, passphrase=SECRET, keep={"bob": OTHER})
    change = prepare_rekey(vault, passphrase=SECRET)
    assert change.must_be_added_again == ("bob",)
    change.close()


def test_a_backup_is_bound_as_its_vault_and_opens_elsewhere_by_the_recovery_words(
    tmp_path: Path, keyring: Keyring
) -> None:
    vault, words = Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=FAST)
    with vault:
        bind_device(vault, passphrase=SECRET)
        back_up(vault, tmp_path / "b", passphrase=SECRET)
        unbind_device(vault, passphrase=SECRET)
    restore(tmp_path / "b", tmp_path / "here", user="ann", passphrase=SECRET)  # the secret has stayed
    open_it(tmp_path / "here").close()
    elsewhere(keyring)
    open_it(vault.path).close()
    with pytest.raises(VaultLocked, match="bound to another device"):
        restore(tmp_path / "b", tmp_path / "no", user="ann", passphrase=SECRET)
    assert not (tmp_path / "no").exists()
    restore(tmp_path / "b", tmp_path / "there", user="recovery", passphrase=words)
    assert rehearse_restore(tmp_path / "b", user="recovery", passphrase=words).patients == 0


def test_binding_and_unbinding_try_the_passphrase_once_and_derive_it_once(
    path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_it(path) as vault:
        derived = watch(monkeypatch, header, "wrapping_key")
        with pytest.raises(WrongPassphrase):
            bind_device(vault, passphrase=OTHER)
        assert not keyring.kept  # nothing is kept for who doesn't know the passphrase
        bind_device(vault, passphrase=SECRET)
        assert is_bound(vault)
        unbind_device(vault, passphrase=SECRET)
        assert not is_bound(vault)
    assert [passphrase for passphrase, *_ in derived] == [OTHER, SECRET, SECRET]
    open_it(path).close()


def test_binding_twice_or_with_a_wrong_passphrase_is_refused_and_changes_nothing(
    bound: Path, keyring: Keyring
) -> None:
    before = (bound / header.NAME).read_bytes()
    with open_it(bound) as vault:
        with pytest.raises(UsageError, match="already"):
            bind_device(vault, passphrase=SECRET)
        with pytest.raises(WrongPassphrase):
            unbind_device(vault, passphrase=OTHER)
        assert (bound / header.NAME).read_bytes() == before
        unbind_device(vault, passphrase=SECRET)
        with pytest.raises(UsageError, match="nothing to unbind"):
            unbind_device(vault, passphrase=SECRET)


@pytest.mark.parametrize("fails", [RuntimeError("locked"), OSError("bus"), KeyError("x")])
def test_a_keyring_that_refuses_is_said_and_nothing_is_changed(
    path: Path, keyring: Keyring, fails: Exception
) -> None:
    before, keyring.fails = (path / header.NAME).read_bytes(), fails
    with open_it(path) as vault, pytest.raises(VaultLocked, match=r"locked or refuses.*recovery words"):
        bind_device(vault, passphrase=SECRET)
    assert (path / header.NAME).read_bytes() == before


@pytest.mark.parametrize("kept", ["", "zz", "ab", "00" * 31, "00" * 33, "é"])
def test_a_keyring_that_gives_back_something_else_is_said(bound: Path, keyring: Keyring, kept: str) -> None:
    (name,) = keyring.kept
    keyring.kept[name] = kept
    with pytest.raises(VaultLocked, match="holds something else"):
        open_it(bound)


def test_without_any_keyring_the_program_runs_and_binding_names_the_remedy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing: no session bus, or no library at all."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nobody/listens")
    with open_it(path) as vault:
        with pytest.raises(VaultLocked, match=r"no keyring of the system.*recovery words"):
            bind_device(vault, passphrase=SECRET)
        monkeypatch.setitem(sys.modules, "keyring", None)
        with pytest.raises(VaultLocked, match="no keyring of the system"):
            bind_device(vault, passphrase=SECRET)
    assert read_header(path).version == 1


def test_a_header_without_bound_slots_keeps_the_form_that_older_programs_read(
    path: Path, keyring: Keyring
) -> None:
    before = json.loads((path / header.NAME).read_bytes())
    assert before["version"] == 1
    assert all("device" not in slot for slot in before["slots"])
    with open_it(path) as vault:
        bind_device(vault, passphrase=SECRET)
        assert json.loads((path / header.NAME).read_bytes())["version"] == 2
        unbind_device(vault, passphrase=SECRET)
    after = json.loads((path / header.NAME).read_bytes())
    assert after["version"] == 1
    assert all(slot.keys() == before["slots"][0].keys() for slot in after["slots"])


@pytest.mark.slow
def test_no_flipped_bit_of_a_bound_header_passes(bound: Path, tmp_path: Path) -> None:
    whole = (bound / header.NAME).read_bytes()
    copy = Path(shutil.copytree(bound, tmp_path / "copy"))
    for bit in range(3, len(whole) * 8, 331):
        altered = bytearray(whole)
        altered[bit // 8] ^= 1 << bit % 8
        (copy / header.NAME).write_bytes(altered)
        with pytest.raises(VaultError):
            open_it(copy, read_only=True)
    (copy / header.NAME).write_bytes(whole)
    open_it(copy, read_only=True).close()


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b'"version": 2', b'"version": 1', VaultDamaged),
        (b'"version": 2', b'"version": 3', VaultTooNew),
        (b'"device": "', b'"device": "00', VaultDamaged),
        (b'"device": "', b'"device": "zz', VaultDamaged),
        (b'"device": ', b'"device": "", "other": ', VaultDamaged),
    ],
)
def test_another_spelling_of_a_bound_header_is_refused(
    bound: Path, old: bytes, new: bytes, error: type[VaultError]
) -> None:
    whole = (bound / header.NAME).read_bytes()
    assert old in whole
    (bound / header.NAME).write_bytes(whole.replace(old, new, 1))
    with pytest.raises(error):
        open_it(bound)
