"""A new passphrase keeps one rule, whoever sets it; one from before the rule goes on opening its vault."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import UsageError, WrongPassphrase
from app.store.header import RECOVERY, Role, remade_slot, verified_header, write_header
from app.store.people import add_user, change_passphrase, change_role, reset_passphrase
from app.store.signing_keys import officer_private_key
from app.store.vault import Vault
from tests.app.store.prepared_rekey import prepare_rekey
from tests.app.store.refusal import FAST, SECRET, open_it

OLD = "eight or"  # what a vault once took
WEAK = [("eleven char", "at least 12"), ("e\u0301" * 11, "at least 12"), ("abcdabcdabcd", "5 different")]


@pytest.fixture
def old_vault(path: Path) -> Path:
    """The vault as an older program made it: ann's passphrase has eight characters."""
    with open_it(path) as vault:
        key, header = vault.data_key(), verified_header(path, vault.data_key())
        slot = header.slot("ann")
        assert slot is not None
        fresh = remade_slot(slot, key, vault_id=header.vault_id, passphrase=OLD)
        write_header(path, header.with_slot(fresh), key)
    return path


@pytest.mark.parametrize(("weak", "says"), WEAK)
@pytest.mark.parametrize("deed", ["add", "change"])
def test_a_weak_new_passphrase_is_refused_and_changes_nothing(
    path: Path, deed: str, weak: str, says: str
) -> None:
    deeds: dict[str, Callable[[Vault], None]] = {
        "add": lambda v: add_user(v, user="bob", passphrase=weak, role=Role.CLINICIAN, kdf=FAST),
        "change": lambda v: change_passphrase(v, user="ann", old=SECRET, new=weak, kdf=FAST),
    }
    with open_it(path) as vault:
        before, events = (path / "header.json").read_bytes(), vault.audit_count()
        with pytest.raises(UsageError, match=says):
            deeds[deed](vault)
        assert ((path / "header.json").read_bytes(), vault.audit_count()) == (before, events)


@pytest.mark.parametrize(("weak", "says"), WEAK)
def test_no_vault_is_made_with_one_and_no_lost_one_replaced_by_one(
    tmp_path: Path, weak: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        Vault.create(tmp_path / "w", user="ann", passphrase=weak, kdf=FAST)
    assert not (tmp_path / "w").exists()
    vault, words = Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=FAST)
    vault.close()
    with (
        Vault.open(tmp_path / "v", user=RECOVERY, passphrase=words) as recovered,
        pytest.raises(UsageError, match=says),
    ):
        reset_passphrase(recovered, user="ann", new=weak, kdf=FAST)


def test_a_passphrase_from_before_the_rule_opens_takes_a_role_and_a_new_key(old_vault: Path) -> None:
    with Vault.open(old_vault, user="ann", passphrase=OLD) as vault:
        add_user(vault, user="bob", passphrase=SECRET, role=Role.CLINICIAN, kdf=FAST)
        change_role(vault, user="ann", role=Role.PRIVACY_OFFICER, passphrase=OLD, kdf=FAST)
        assert len(officer_private_key(vault, OLD)) == 32
    with Vault.open(old_vault, user="ann", passphrase=OLD) as vault:
        prepare_rekey(vault, passphrase=OLD, keep={}).commit()
    Vault.open(old_vault, user="ann", passphrase=OLD).close()


def test_it_is_changed_to_one_that_keeps_the_rule(old_vault: Path) -> None:
    with Vault.open(old_vault, user="ann", passphrase=OLD) as vault:
        change_passphrase(vault, user="ann", old=OLD, new=SECRET, kdf=FAST)
    with open_it(old_vault) as vault:
        assert vault.user == "ann"
    with pytest.raises(WrongPassphrase):
        Vault.open(old_vault, user="ann", passphrase=OLD)


@pytest.mark.parametrize("good", ["correct horse", "Zürich 1234!", "四个不相干的词语很好记住啊"])
def test_twelve_characters_of_any_script_make_a_vault_that_opens(tmp_path: Path, good: str) -> None:
    vault, _words = Vault.create(tmp_path / "v", user="ann", passphrase=good, kdf=FAST)
    vault.close()
    with Vault.open(tmp_path / "v", user="ann", passphrase=good) as vault:
        assert vault.user == "ann"
