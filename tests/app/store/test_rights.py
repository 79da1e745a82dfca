"""What each role may do, the administrator who holds no key, and the glass that may be broken."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.patient import Patient
from app.errors import PolicyError, UsageError, VaultError, VaultLocked, WrongPassphrase
from app.store.break_glass import break_glass, emergencies, review
from app.store.erasure import erase_patient
from app.store.header import RECOVERY, Role, read_header
from app.store.people import add_user, approve, remove_user, reset_passphrase
from app.store.rights import Right, has_right
from app.store.vault import Vault
from app.workflows.plan_training import declare_diseases
from app.workflows.report_privacy import set_cap
from app.workflows.review_update import declare_weight, name_site
from knowledge_graph.terms.term import DiseaseId, TermId
from ml.privacy.ledger import LedgerEntry
from tests.app.store.prepared_rekey import prepare_rekey
from tests.app.store.refusal import FAST, SECRET, open_it

OTHER = "another passphrase"
REASON = "Ward round, no clinician on duty"
ADA, NOTE = PatientId("p-1"), NoteId("n")
MARK = Annotation(AnnotationId("a"), NOTE, 0, 8, TermId("HP:0001250"))
DEEDS: dict[Right, Callable[[Vault], object]] = {
    Right.ANNOTATE: lambda v: v.append_annotations(
        [AnnotationEvent(AnnotationAction.ADD, MARK, "x", "2026")]
    ),
    Right.DECIDE: lambda v: v.record_diagnosis(
        Diagnosis(ADA, DiseaseId("OMIM:1"), "Fit disease", Decision.CONFIRMED, "x", "2026")
    ),
    Right.IMPORT: lambda v: v.put_records([Patient(PatientId("p-2"), "Bea")], origin="t"),
    Right.WRITE: lambda v: v.put_written(Patient(PatientId("p-3"), "Cleo")),
    Right.ERASE: lambda v: erase_patient(v, ADA),
    Right.TRAIN: lambda v: v.append_ledger(
        LedgerEntry("run", "all", "gaussian", 0.1, 1.0, 1.0, 10, 1e-5, 0.7, "2026")
    ),
    Right.PLAN: lambda v: declare_diseases(v, ["OMIM:1"]),
    Right.PEOPLE: lambda v: add_user(v, user="new", passphrase=OTHER, role=Role.ANNOTATOR, kdf=FAST),
}


def as_role(path: Path, role: Role) -> Vault:
    """The vault, opened by someone of a role."""
    with open_it(path) as vault:
        add_user(vault, user="bob", passphrase=OTHER, role=role, kdf=FAST)
    return Vault.open(path, user="bob", passphrase=OTHER)


@pytest.mark.parametrize(
    "role", [r for r in Role if r not in (Role.CLINICIAN, Role.ADMINISTRATOR, Role.RECOVERY)]
)
def test_a_role_does_what_it_may_and_nothing_else(path: Path, role: Role) -> None:
    with as_role(path, role) as vault:
        for right, deed in DEEDS.items():
            events = vault.audit_count()
            if has_right(role, right):
                deed(vault)
                assert vault.audit_count() > events
            else:
                with pytest.raises(PolicyError, match=f"{role}.*may not {right}"):
                    deed(vault)
                assert vault.audit_count() == events


PLANS: tuple[Callable[[Vault], object], ...] = (
    lambda v: set_cap(v, 0.5),
    lambda v: declare_diseases(v, ["OMIM:1"]),
    lambda v: name_site(v, "ward-7"),
    lambda v: declare_weight(v, 3),
)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.ADJUDICATOR, Role.TRAINER, Role.PRIVACY_OFFICER])
def test_what_training_may_spend_and_learn_is_set_by_those_who_plan(
    path: Path, role: Role, plan: Callable[[Vault], object]
) -> None:
    with as_role(path, role) as vault:
        if role in (Role.TRAINER, Role.PRIVACY_OFFICER):
            plan(vault)
            return
        with pytest.raises(PolicyError, match="clinician, trainer, privacy-officer"):
            plan(vault)
        assert not vault.session().rows("SELECT name FROM setting WHERE name NOT LIKE 'model%'")


def test_each_right_is_some_persons_and_a_clinician_alone_can_run_a_small_hospital() -> None:
    assert all(has_right(Role.CLINICIAN, right) for right in Right)
    assert not any(has_right(Role.ADMINISTRATOR, right) for right in Right)
    assert {r for r in Role if has_right(r, Right.CHARTS)} == {
        *(Role.CLINICIAN, Role.ANNOTATOR, Role.ADJUDICATOR, Role.RECOVERY)
    }


def test_an_administrator_proves_who_she_is_and_opens_nothing(path: Path) -> None:
    with open_it(path) as vault:
        key = vault.data_key()
        add_user(vault, user="it", passphrase=OTHER, role=Role.ADMINISTRATOR, kdf=FAST)
        assert approve(vault, administrator="it", passphrase=OTHER) == "it"
        with pytest.raises(WrongPassphrase):
            approve(vault, administrator="it", passphrase=SECRET)
        with pytest.raises(VaultLocked, match="no administrator"):
            approve(vault, administrator="ann", passphrase=SECRET)
    with pytest.raises(VaultLocked, match="holds no key"):
        Vault.open(path, user="it", passphrase=OTHER)
    with pytest.raises(WrongPassphrase):
        Vault.open(path, user="it", passphrase=SECRET)
    assert _opened_secret(path, "it", OTHER) != key


def _opened_secret(path: Path, user: str, passphrase: str) -> bytes | None:
    from app.store.header import _opened

    header = read_header(path)
    return _opened(header, header.slots, user, passphrase)


def test_an_administrator_alone_is_not_left_with_the_vault(path: Path) -> None:
    with open_it(path) as vault:
        add_user(vault, user="it", passphrase=OTHER, role=Role.ADMINISTRATOR, kdf=FAST)
        with pytest.raises(UsageError, match="last user who holds a key"):
            remove_user(vault, user="ann")


def test_a_change_of_key_and_the_recovery_words_give_an_administrator_no_key(
    path: Path, tmp_path: Path
) -> None:
    with open_it(path) as vault:
        add_user(vault, user="it", passphrase=OTHER, role=Role.ADMINISTRATOR, kdf=FAST)
    change = prepare_rekey(open_it(path), passphrase=SECRET)
    assert change.must_be_added_again == ()
    change.commit()
    with Vault.open(path, user=RECOVERY, passphrase=change.recovery_words) as vault:
        key = vault.data_key()
        reset_passphrase(vault, user="it", new=SECRET, kdf=FAST)
    assert _opened_secret(path, "it", SECRET) not in (None, key)
    with pytest.raises(VaultLocked, match="holds no key"):
        Vault.open(path, user="it", passphrase=SECRET)


def test_a_broken_glass_allows_what_care_needs_until_the_vault_is_closed(path: Path) -> None:
    with as_role(path, Role.TRAINER) as vault:
        with pytest.raises(PolicyError, match="break the glass"):
            vault.require(Right.CHARTS)
        break_glass(vault, f" {REASON}\n")
        vault.require(Right.CHARTS)
        DEEDS[Right.ANNOTATE](vault)
        for right in (Right.ERASE, Right.PEOPLE):
            with pytest.raises(PolicyError):
                DEEDS[right](vault)
        (event,) = emergencies(vault)
        assert (event.user, event.action, event.detail) == ("bob", "break-glass", REASON)
    with Vault.open(path, user="bob", passphrase=OTHER) as vault, pytest.raises(PolicyError):
        vault.require(Right.CHARTS)


@pytest.mark.parametrize("reason", ["", "short", "x" * 301, "a bell \a rings in here"])
def test_a_glass_is_not_broken_without_a_reason_that_can_be_read(path: Path, reason: str) -> None:
    with as_role(path, Role.TRAINER) as vault:
        with pytest.raises(UsageError, match="reason"):
            break_glass(vault, reason)
        assert not vault.may(Right.CHARTS)
        assert emergencies(vault) == []


def test_where_it_cannot_be_audited_the_glass_holds(path: Path) -> None:
    as_role(path, Role.TRAINER).close()
    with Vault.open(path, user="bob", passphrase=OTHER, read_only=True) as vault:
        with pytest.raises(VaultError, match="nothing can be changed"):
            break_glass(vault, REASON)
        assert not vault.may(Right.CHARTS)


def test_who_may_open_charts_breaks_nothing(path: Path) -> None:
    with open_it(path) as vault, pytest.raises(UsageError, match="nothing was noted"):
        break_glass(vault, REASON)


def test_the_officer_reviews_emergencies_and_nobody_else_does(path: Path) -> None:
    with as_role(path, Role.TRAINER) as vault:
        break_glass(vault, REASON)
        (seen,) = emergencies(vault)
        with pytest.raises(PolicyError, match="only the privacy officer"):
            review(vault, up_to=seen.sequence)
    with open_it(path) as vault:
        add_user(vault, user="olga", passphrase=OTHER, role=Role.PRIVACY_OFFICER, kdf=FAST)
    with Vault.open(path, user="olga", passphrase=OTHER) as vault:
        assert emergencies(vault) == [seen]
        review(vault, up_to=seen.sequence)
        review(vault, up_to=1)  # an older answer takes nothing back
        assert emergencies(vault) == []
        assert "break-glass-reviewed" in {e.action for e in vault.audit_events()}


def test_the_recovery_words_in_use_are_an_emergency_too(tmp_path: Path) -> None:
    vault, words = Vault.create(tmp_path / "w", user="ann", passphrase=SECRET, kdf=FAST)
    vault.close()
    with Vault.open(tmp_path / "w", user=RECOVERY, passphrase=words) as vault:
        assert [e.user for e in emergencies(vault)] == ["recovery"]
