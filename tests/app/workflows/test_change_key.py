"""New keys for a vault: given up at any step nothing has changed; going on after the words agrees."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.errors import PolicyError, UsageError, VaultLocked, WrongPassphrase
from app.store import rekey
from app.store.header import RECOVERY, Role, read_header
from app.store.key_derivation import KdfParameters
from app.store.people import add_user, list_people
from app.store.rekey import RekeyStep
from app.store.vault import Vault
from app.workflows.change_key import KeyHolders, NewWords, change_key
from tests.app.store.disk_states import digest

FAST, ADA = KdfParameters.fast_for_tests(), PatientId("p-1")
ANN, BOB = "passphrase of ann", "passphrase of bob"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("change") / "t.vault"
    vault, words = Vault.create(path, user="ann", passphrase=ANN, kdf=FAST)
    with vault:
        vault.put_records([Patient(ADA, "Ada Sample")], origin="t")
        for user, role in (
            ("bob", Role.CLINICIAN),
            ("eve", Role.PRIVACY_OFFICER),
            ("tom", Role.TRAINER),
            ("ida", Role.ADMINISTRATOR),
        ):
            add_user(vault, user=user, passphrase=BOB, role=role, kdf=FAST)
    return path, words


@pytest.fixture
def path(template: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(template[0], tmp_path / "t.vault"))


def holders(path: Path, user: str = "ann", secret: str = ANN, **keep: str) -> KeyHolders:
    return KeyHolders(path, user, secret, keep)


def opens(path: Path, user: str, secret: str) -> bool:
    try:
        with Vault.open(path, user=user, passphrase=secret) as vault:
            return vault.has_patient(ADA)
    except VaultLocked:
        return False


def test_the_steps_are_named_then_the_words_and_going_on_puts_the_key_in_force(
    path: Path, template: tuple[Path, str]
) -> None:
    with closing(change_key(holders(path, bob=BOB))) as steps:
        told = list(steps)
    new = told[-1]
    assert told[:-1] == [RekeyStep.CHECKING, RekeyStep.COPYING, RekeyStep.COMPARING]
    assert isinstance(new, NewWords)
    assert new.must_be_added_again == ("eve", "tom")
    assert opens(path, "ann", ANN)
    assert opens(path, "bob", BOB)
    assert opens(path, RECOVERY, new.words)
    assert not opens(path, RECOVERY, template[1])
    assert not opens(path, "eve", BOB)
    with Vault.open(path, user="ann", passphrase=ANN) as vault:
        assert {person.user for person in list_people(vault)} == {"ann", "bob", "ida"}


@pytest.mark.parametrize("steps_done", [1, 2, 3, 4])
def test_given_up_after_any_step_every_key_and_file_is_as_it_was(
    path: Path, template: tuple[Path, str], steps_done: int
) -> None:
    names, header = set(digest(path)), read_header(path)
    with closing(change_key(holders(path))) as steps:
        for _step in range(steps_done):
            next(steps)
    assert set(digest(path)) == names
    assert read_header(path) == header
    assert opens(path, "eve", BOB)
    assert opens(path, RECOVERY, template[1])


def test_given_up_in_the_middle_of_a_step_every_key_and_file_is_as_it_was(
    path: Path, template: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekey, "_LOOK_EVERY", 50)
    names, header = set(digest(path)), read_header(path)
    looks = looks_until(path, None)
    assert min(looks[RekeyStep.CHECKING], looks[RekeyStep.COMPARING]) > 5  # not at the end of a step alone
    for step in RekeyStep:
        for look in sorted({1, looks[step] // 2, looks[step]}):
            assert list(looks_until(path, (step, look)))[-1] is step
            assert (set(digest(path)), read_header(path)) == (names, header)
    assert opens(path, "eve", BOB)
    assert opens(path, RECOVERY, template[1])


def looks_until(path: Path, end: tuple[RekeyStep, int] | None) -> dict[RekeyStep, int]:
    """How often each step that was begun looked whether to stop; it is given up there, or at the words."""
    looks: dict[RekeyStep, int] = {}

    def stopped() -> bool:
        looks[step] += 1
        return end is not None and step is end[0] and looks[step] >= end[1]

    with closing(change_key(holders(path), stopped)) as steps:
        for report in steps:
            if isinstance(report, NewWords):
                assert end is None
                break
            step = report
            looks[step] = 0
    return looks


def test_a_passphrase_that_is_wrong_says_whose(path: Path) -> None:
    with pytest.raises(WrongPassphrase, match="passphrase of bob is wrong"):
        next(change_key(holders(path, bob="not that of bob")))
    with pytest.raises(UsageError, match="no such user"):
        next(change_key(holders(path, zoe=BOB)))


def test_who_may_not_change_access_makes_no_keys_and_the_officer_may(path: Path) -> None:
    with pytest.raises(PolicyError, match="may not change who has access"):
        next(change_key(holders(path, "tom", BOB)))
    list(change_key(holders(path, "eve", BOB)))
    assert opens(path, "eve", BOB)


def test_who_finds_the_vault_taken_is_told_by_what(path: Path) -> None:
    with closing(change_key(holders(path))) as steps:
        next(steps)
        with pytest.raises(VaultLocked, match="a change of the data key of ann since"):
            Vault.open(path, user="bob", passphrase=BOB)
    assert opens(path, "bob", BOB)
