"""Another role for a person: by her own passphrase, with what belongs to the role, in the log."""

from pathlib import Path

import pytest

from app.errors import PolicyError, UsageError, VaultLocked, WrongPassphrase
from app.store.header import RECOVERY, Role
from app.store.people import Person, add_user, change_role, list_people, remove_user
from app.store.signing_keys import officer_private_key, officer_public_keys
from app.store.vault import Vault
from tests.app.store.refusal import FAST, SECRET, open_it

OTHER = "another passphrase"


def with_bob(path: Path, role: Role) -> Vault:
    vault = open_it(path)
    add_user(vault, user="bob", passphrase=OTHER, role=role, kdf=FAST)
    return vault


def become(vault: Vault, role: Role, *, user: str = "bob", passphrase: str = OTHER) -> None:
    change_role(vault, user=user, role=role, passphrase=passphrase, kdf=FAST, approved_by="it")


def test_the_role_is_in_force_at_the_next_opening_and_the_log_tells_both(path: Path) -> None:
    with with_bob(path, Role.ANNOTATOR) as vault:
        become(vault, Role.TRAINER)
        (event,) = vault.audit_events(limit=1)
        assert (event.user, event.action) == ("ann", "user-role-changed")
        assert event.detail == "bob: annotator to trainer, approved by it"
        assert Person("bob", Role.TRAINER, bound=False) in list_people(vault)
        assert RECOVERY not in {person.user for person in list_people(vault)}
    with Vault.open(path, user="bob", passphrase=OTHER) as hers:
        assert hers.role is Role.TRAINER


def test_a_wrong_passphrase_changes_nothing(path: Path) -> None:
    with with_bob(path, Role.ANNOTATOR) as vault:
        before, events = (path / "header.json").read_bytes(), vault.audit_count()
        with pytest.raises(WrongPassphrase):
            become(vault, Role.TRAINER, passphrase=SECRET)
        assert ((path / "header.json").read_bytes(), vault.audit_count()) == (before, events)


def test_who_may_not_change_access_changes_no_role_not_even_her_own(path: Path) -> None:
    with_bob(path, Role.ANNOTATOR).close()
    with (
        Vault.open(path, user="bob", passphrase=OTHER) as hers,
        pytest.raises(PolicyError, match="change who has access"),
    ):
        become(hers, Role.CLINICIAN)


def test_a_privacy_officer_gets_her_signing_key_and_loses_it_with_the_role(path: Path) -> None:
    with with_bob(path, Role.ANNOTATOR) as vault:
        become(vault, Role.PRIVACY_OFFICER)
        assert list(officer_public_keys(vault)) == ["bob"]
        assert len(officer_private_key(vault, OTHER)) == 32
        become(vault, Role.CLINICIAN)
        assert officer_public_keys(vault) == {}


def test_an_administrator_has_no_key_until_she_gets_a_role_with_one(path: Path) -> None:
    with with_bob(path, Role.CLINICIAN) as vault:
        become(vault, Role.ADMINISTRATOR)
    with pytest.raises(VaultLocked, match="holds no key"):
        Vault.open(path, user="bob", passphrase=OTHER)
    with open_it(path) as vault:
        with pytest.raises(WrongPassphrase):
            become(vault, Role.CLINICIAN, passphrase=SECRET)
        become(vault, Role.CLINICIAN)
    Vault.open(path, user="bob", passphrase=OTHER).close()


def test_somebody_who_holds_a_key_is_left(path: Path) -> None:
    with open_it(path) as vault, pytest.raises(UsageError, match="last user who holds a key"):
        become(vault, Role.ADMINISTRATOR, user="ann", passphrase=SECRET)


@pytest.mark.parametrize(
    ("user", "role", "why"),
    [
        ("ghost", Role.TRAINER, "no such user"),
        ("bob", Role.ANNOTATOR, "choose another role"),
        ("bob", Role.RECOVERY, "choose another role"),
        (RECOVERY, Role.CLINICIAN, "rekey"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_remedy(path: Path, user: str, role: Role, why: str) -> None:
    with with_bob(path, Role.ANNOTATOR) as vault, pytest.raises(UsageError, match=why):
        become(vault, role, user=user)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bob ", "begin or end with a space"),
        (" bob", "begin or end with a space"),
        ("Bob", "already as bob"),
        ("ＢＯＢ", "already as bob"),
        ("b\u043eb", "several alphabets"),  # a Cyrillic o
        ("bob", "in the vault already;"),
    ],
)
def test_a_name_that_could_be_taken_for_a_colleagues_is_refused(path: Path, name: str, says: str) -> None:
    with with_bob(path, Role.ANNOTATOR) as vault:
        before = vault.audit_count()
        with pytest.raises(UsageError, match=says):
            add_user(vault, user=name, passphrase=OTHER, role=Role.TRAINER, kdf=FAST)
        assert (vault.audit_count(), len(list_people(vault))) == (before, 2)


def test_names_of_other_alphabets_and_with_spaces_inside_are_names(path: Path) -> None:
    with open_it(path) as vault:
        for name in ("Анна Иванова", "王芳", "Zoë O'Neill-Straße", "אנה"):
            add_user(vault, user=name, passphrase=OTHER, role=Role.ANNOTATOR, kdf=FAST)
        assert len(list_people(vault)) == 5


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Role.TRAINER, "open charts"),
        (Role.PRIVACY_OFFICER, "open charts"),
        (Role.ANNOTATOR, "change who has"),
    ],
)
def test_somebody_who_opens_charts_and_somebody_who_gives_access_stays(
    path: Path, left: Role, right: str
) -> None:
    with with_bob(path, left) as vault:
        before = (path / "header.json").read_bytes()
        with pytest.raises(UsageError, match=f"nobody who may {right}"):
            remove_user(vault, user="ann")
        with pytest.raises(UsageError, match=f"nobody who may {right}"):
            become(vault, left, user="ann", passphrase=SECRET)
        assert (path / "header.json").read_bytes() == before
        become(vault, Role.CLINICIAN)
        remove_user(vault, user="ann")
