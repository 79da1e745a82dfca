"""The site's key is the vault's; the privacy officer's is hers alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import UsageError, VaultLocked, WrongPassphrase
from app.store import attempt_throttle
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user, change_passphrase, remove_user
from app.store.signing_keys import (
    OFFICER_KEYS,
    make_officer_key,
    officer_private_key,
    officer_public_keys,
    site_private_key,
)
from app.store.vault import Vault

pytestmark = pytest.mark.slow
FAST = KdfParameters.fast_for_tests()
HERS = "battery staple"


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault, _ = Vault.create(tmp_path / "v.vault", user="ada", passphrase="correct horse", kdf=FAST)
    with vault:
        yield vault


def add_officer(vault: Vault, name: str = "olga", passphrase: str = HERS) -> None:
    add_user(vault, user=name, passphrase=passphrase, role=Role.PRIVACY_OFFICER, kdf=FAST)


def test_the_sites_key_is_made_once_and_kept(vault: Vault) -> None:
    key = site_private_key(vault)
    assert len(key) == 32
    assert site_private_key(vault) == key
    vault.close()
    with Vault.open(vault.path, user="ada", passphrase="correct horse") as again:
        assert site_private_key(again) == key


def test_only_her_passphrase_opens_the_officers_key(vault: Vault) -> None:
    with pytest.raises(UsageError, match="no privacy officer"):
        officer_private_key(vault, HERS)
    add_officer(vault)
    key = officer_private_key(vault, HERS)
    assert key != site_private_key(vault)
    assert key.hex() not in (vault.setting(OFFICER_KEYS) or "")
    with pytest.raises(VaultLocked, match="her own"):
        officer_private_key(vault, "correct horse")


def test_guessing_an_officers_passphrase_gets_slower(
    vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(attempt_throttle, "delay_s", lambda wrong: 250.0 * (wrong >= 3))  # a slow machine
    add_officer(vault)
    for _ in range(3):
        with pytest.raises(WrongPassphrase):
            officer_private_key(vault, "correct horse")
    with pytest.raises(VaultLocked, match="wait") as told:
        officer_private_key(vault, HERS)
    assert not isinstance(told.value, WrongPassphrase)
    Vault.open(
        vault.path, user="ada", passphrase="correct horse", read_only=True
    ).close()  # she isn't locked out


def test_a_clinician_gets_no_signing_key(vault: Vault) -> None:
    add_user(vault, user="bob", passphrase="another one of these", role=Role.CLINICIAN, kdf=FAST)
    assert officer_public_keys(vault) == {}


def test_each_officer_signs_with_her_own(vault: Vault) -> None:
    add_officer(vault)
    add_officer(vault, "petra", "third secret")
    assert sorted(officer_public_keys(vault)) == ["olga", "petra"]
    assert officer_private_key(vault, HERS) != officer_private_key(vault, "third secret")
    with pytest.raises(UsageError, match="already"):
        make_officer_key(vault, user="olga", passphrase=HERS, kdf=FAST)


def test_a_new_passphrase_keeps_the_key_and_leaves_the_old_one_useless(vault: Vault) -> None:
    add_officer(vault)
    before, public = officer_private_key(vault, HERS), officer_public_keys(vault)
    change_passphrase(vault, user="olga", old=HERS, new="quite another", kdf=FAST)
    assert officer_private_key(vault, "quite another") == before
    assert officer_public_keys(vault) == public
    with pytest.raises(VaultLocked):
        officer_private_key(vault, HERS)


def test_who_leaves_takes_her_key_along(vault: Vault) -> None:
    add_officer(vault)
    remove_user(vault, user="olga")
    assert officer_public_keys(vault) == {}


def test_a_name_typed_in_another_form_is_the_same_officer(vault: Vault) -> None:
    add_officer(vault, "zo\u00eb")
    remove_user(vault, user="zoe\u0308")
    assert officer_public_keys(vault) == {}


def test_a_wrapped_key_moved_to_another_vault_does_not_open(vault: Vault, tmp_path: Path) -> None:
    add_officer(vault)
    other, _ = Vault.create(tmp_path / "w.vault", user="ada", passphrase="correct horse", kdf=FAST)
    with other:
        other.set_setting(OFFICER_KEYS, vault.setting(OFFICER_KEYS))
        with pytest.raises(VaultLocked):
            officer_private_key(other, HERS)
