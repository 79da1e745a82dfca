"""What is set and the event that says so are one transaction: neither is ever there without the other."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.clinical.audit_event import AuditEvent
from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.errors import VaultError
from app.store.backup import EPSILON_FLOOR, UNKNOWN, back_up
from app.store.break_glass import review
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.session import Session
from app.store.signing_keys import (
    change_officer_passphrase,
    make_officer_key,
    remove_officer_key,
    site_private_key,
)
from app.store.vault import Vault
from app.workflows.find_base import InstalledBase, remember_base, trusted_coordinator
from app.workflows.keep_draft import forget_draft, keep_draft
from app.workflows.list_models import model_store
from app.workflows.plan_training import TrainingPlan, declare_diseases, keep_cap
from app.workflows.report_model import keep_report
from app.workflows.report_privacy import declare_spent, set_cap
from app.workflows.review_update import declare_weight, name_site
from app.workflows.roll_back import roll_back
from app.workflows.use_model import use_model
from app.workflows.write_note import TypedNote
from ml.evaluation.model_report import ModelReport
from ml.evaluation.share import Share
from ml.registry.model_version import TENSORS_FILE, ModelCard, pack_version

SECRET, FAST = "correct horse battery", KdfParameters.fast_for_tests()
ADA, BEA = PatientId("p-1"), PatientId("p-2")
CARD = ModelCard(
    title="t", base_version="", scope="head", encoder="e", encoder_sha256="0" * 64, label_count=2
)
MODEL = pack_version({TENSORS_FILE: b"weights"}, CARD)
NAME = MODEL.version.version_id
REPORT = ModelReport(NAME, "2025", "80 notes", 80, 1, (), (), (), Share(0.5, 0.4, 0.6, 80))

# The action that the event of a deed names, and the deed.
DEEDS: dict[str, Callable[[Vault], object]] = {
    "epsilon-cap-set": lambda v: set_cap(v, 5.0),
    "epsilon-cap-set by a plan": lambda v: keep_cap(v, TrainingPlan(target_epsilon=3.0)),
    "epsilon-declared": lambda v: declare_spent(v, 2.0),
    "diseases-declared": lambda v: declare_diseases(v, ["OMIM:154700"]),
    "break-glass-reviewed": lambda v: review(v, up_to=3),
    "site-named": lambda v: name_site(v, "north"),
    "site-weight-declared": lambda v: declare_weight(v, 7),
    "site-key-made": site_private_key,
    "officer-key-made": lambda v: make_officer_key(v, user="otto", passphrase=SECRET, kdf=FAST),
    "officer-passphrase-changed": lambda v: change_officer_passphrase(
        v, user="olga", old=SECRET, new="another phrase", kdf=FAST
    ),
    "officer-key-removed": lambda v: remove_officer_key(v, user="olga"),
    "update-applied": lambda v: remember_base(
        v, InstalledBase(NAME, "b" * 64, 1), coordinator_key="ed25519:k"
    ),
    "model.report": lambda v: keep_report(v, NAME, REPORT),
    "model.use": lambda v: use_model(v, NAME, at="2026", reason="publish"),
    "model.roll_back": lambda v: roll_back(v, at="2026", to=NAME),
    "note-draft-kept": lambda v: keep_draft(v, BEA, TypedNote("Begun")),
    "note-draft-forgotten": lambda v: forget_draft(v, ADA),
    "setting-changed": lambda v: v.set_setting("any", "1"),
}
OFFICERS = {"break-glass-reviewed", "epsilon-declared"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vault, _ = Vault.create(tmp_path_factory.mktemp("deeds") / "v", user="ann", passphrase=SECRET, kdf=FAST)
    with vault:
        add_user(vault, user="olga", passphrase=SECRET, role=Role.PRIVACY_OFFICER, kdf=FAST)
        vault.put_records([Patient(ADA, "Ada Sample"), Patient(BEA, "Bea Sample")], origin="t")
        keep_draft(vault, ADA, TypedNote("Begun"))
        vault.set_setting(EPSILON_FLOOR, UNKNOWN)
        model_store(vault).add(MODEL)
    return vault.path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "v"))


def _full(*_: object) -> AuditEvent:
    raise VaultError("the disk is full")


def open_for(path: Path, deed: str) -> Vault:
    vault = Vault.open(path, user="olga" if deed in OFFICERS else "ann", passphrase=SECRET)
    if deed.startswith("note-draft"):  # it is begun in an open chart, which has an event of its own
        vault.chart(BEA)
    return vault


def kept(vault: Vault) -> list[tuple[str, str]]:
    return vault.session().rows("SELECT name, value FROM setting ORDER BY name")


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_leaves_one_event_that_names_it(path: Path, deed: str) -> None:
    with open_for(path, deed) as vault:
        settings, count = kept(vault), vault.audit_count()
        DEEDS[deed](vault)
        new = vault.audit_events(limit=vault.audit_count() - count)
        assert [event.action for event in new] == [deed.split(" ")[0]]
        assert kept(vault) != settings


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_set_where_its_event_fails(path: Path, deed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_for(path, deed) as vault:
        before = kept(vault)
        monkeypatch.setattr(Session, "_append_audit", _full)
        with pytest.raises(VaultError, match="full"):
            DEEDS[deed](vault)
        assert kept(vault) == before
    monkeypatch.undo()
    with open_for(path, deed) as vault:
        assert kept(vault) == before


@pytest.mark.parametrize("deed", DEEDS)
def test_no_event_stands_where_nothing_could_be_set(path: Path, deed: str) -> None:
    with open_for(path, deed) as vault:
        for change in ("INSERT", "DELETE", "UPDATE"):
            vault.session().connection().execute(
                f"CREATE TEMP TRIGGER no_{change} BEFORE {change} ON main.setting "
                "BEGIN SELECT raise(ABORT, 'refused'); END"
            )
        count = vault.audit_count()
        with pytest.raises(VaultError, match="refused"):
            DEEDS[deed](vault)
        assert vault.audit_count() == count


def test_a_base_and_the_key_that_it_was_trusted_by_are_kept_together(path: Path) -> None:
    with open_for(path, "update-applied") as vault:
        DEEDS["update-applied"](vault)
        assert trusted_coordinator(vault) == "ed25519:k"
        remember_base(vault, InstalledBase("c" * 64, "d" * 64, 2), coordinator_key="ed25519:another")
        assert trusted_coordinator(vault) == "ed25519:k"
        event = vault.audit_events(limit=1)[0]
        assert (event.record_id, event.detail) == ("c" * 64, f"base {'d' * 16}, round 2")


def test_no_backup_appears_that_the_log_does_not_know(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_for(path, "") as vault:
        monkeypatch.setattr(Session, "_append_audit", _full)
        with pytest.raises(VaultError, match="full"):
            back_up(vault, path.with_name("backup"))
        assert not path.with_name("backup").exists()
