"""The vault keeps what it acknowledged, and lets no one in without a key. Real SQLCipher throughout."""

import json
import shutil
from pathlib import Path

import pytest

from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import Condition
from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked, VaultTooNew, WrongPassphrase
from app.store.backup import EPSILON_FLOOR, back_up, restore
from app.store.check import check_vault
from app.store.header import RECOVERY, Role
from app.store.key_derivation import KdfParameters
from app.store.patient_query import PatientFilter
from app.store.people import add_user, change_passphrase, remove_user
from app.store.vault import Vault
from knowledge_graph.findings.finding import Sex
from knowledge_graph.terms.term import DiseaseId
from ml.privacy.ledger import LedgerEntry

SECRET = "correct horse battery"
FAST = KdfParameters.fast_for_tests()
ADA = PatientId("p-1")
NOTE = Note(NoteId("n-1"), ADA, "She has seizures, no fever. Größe 🩺 normal.", "Letter", "2026-01-02")


def make(path: Path) -> Vault:
    vault, _ = Vault.create(path, user="ann", passphrase=SECRET, kdf=FAST)
    vault.put_records(
        [
            Patient(ADA, "Ada Sample", "1990-01-02", Sex.FEMALE, "", (Identifier("urn:h", "MRN77"),)),
            NOTE,
            Condition(RecordId("c-1"), ADA, "Anaemia", onset="2020-01-01"),
        ],
        origin="test",
    )
    return vault


def reopen(path: Path, *, read_only: bool = False) -> Vault:
    return Vault.open(path, user="ann", passphrase=SECRET, read_only=read_only)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "t.vault"
    make(path).close()
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "t.vault"))


def test_what_was_put_is_there_after_reopening(path: Path) -> None:
    with reopen(path) as vault:
        chart = vault.chart(ADA)
        assert chart.patient.name == "Ada Sample"
        assert chart.notes == (NOTE,)
        assert chart.conditions[0].label == "Anaemia"
        (row,) = vault.patients(PatientFilter("mrn77"))
        assert (row.id, row.note_count, row.last_activity) == (ADA, 1, "2026-01-02")


def test_putting_the_same_again_changes_nothing(path: Path) -> None:
    with reopen(path) as vault:
        chart = vault.chart(ADA)
        counts = vault.put_records([chart.patient, *chart.notes, *chart.conditions], origin="again")
        assert (counts.added, counts.changed, counts.unchanged) == (0, 0, 3)


def test_no_byte_of_a_note_or_name_is_on_disk_in_the_clear(path: Path) -> None:
    with reopen(path):
        bytes_on_disk = b"".join(f.read_bytes() for f in path.rglob("*") if f.is_file())
    # Three letters may come about by chance in so many random bytes: once in a hundred runs.
    for clear in (b"seizures", b"Ada Sa", b"Sample", b"1990-01-02", b"MRN77", b"SQLite format"):
        assert clear not in bytes_on_disk


@pytest.mark.parametrize(("user", "secret"), [("ann", "wrong passphrase"), ("eve", SECRET), ("ann", "")])
def test_a_wrong_user_or_passphrase_is_refused_and_changes_nothing(
    path: Path, user: str, secret: str
) -> None:
    before = {f.name: f.read_bytes() for f in path.iterdir() if f.is_file()}
    with pytest.raises(VaultLocked, match="user or passphrase is wrong"):
        Vault.open(path, user=user, passphrase=secret)
    assert {f.name: f.read_bytes() for f in path.iterdir() if f.is_file()} == before


def test_a_folder_that_is_no_vault_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(VaultDamaged, match="is no vault"):
        reopen(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_or_empty_database_is_never_made_anew(path: Path) -> None:
    for file in path.glob("vault.db*"):
        file.write_bytes(b"")
    with pytest.raises(VaultDamaged, match="missing or empty"):
        reopen(path)


@pytest.mark.parametrize("name", ["header.json", "vault.db"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused_or_said(path: Path, name: str, part: float) -> None:
    file = path / name
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * part)])
    assert _trouble(path)


@pytest.mark.parametrize("name", ["header.json", "vault.db", "anchor.0", "anchor.1"])
def test_a_flipped_bit_never_passes_in_silence(path: Path, name: str) -> None:
    file = path / name
    whole = file.read_bytes()
    silent = []
    for at in range(7, len(whole), max(1, len(whole) // 6)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        if not _trouble(path) and name.startswith(("header", "vault")):
            silent.append(at)
    assert silent == []


def _trouble(path: Path) -> bool:
    try:
        with reopen(path, read_only=True) as vault:
            return not check_vault(vault).sound
    except (VaultDamaged, VaultLocked, VaultTooNew, WrongPassphrase):
        return True


def test_an_older_database_put_back_is_said_and_opens_read_only(path: Path, tmp_path: Path) -> None:
    old = (path / "vault.db").read_bytes()
    with reopen(path) as vault:
        vault.set_setting("a", "1")
        vault.set_setting("b", "2")
    (path / "vault.db").write_bytes(old)
    with reopen(path) as vault:
        assert "older than the vault's anchor" in str(vault.read_only_because)
        with pytest.raises(VaultError, match="nothing can be changed"):
            vault.set_setting("c", "3")


def test_a_newer_header_or_schema_is_refused(path: Path) -> None:
    header = json.loads((path / "header.json").read_text("utf-8"))
    (path / "header.json").write_text(json.dumps({**header, "version": 99}), "utf-8")
    with pytest.raises(VaultTooNew, match="update the program"):
        reopen(path)


def test_a_newer_schema_is_refused(path: Path) -> None:
    with reopen(path) as vault:
        vault.session().connection().execute("PRAGMA user_version = 99")
    with pytest.raises(VaultTooNew, match="update the program"):
        reopen(path)


def test_a_second_writer_is_told_and_may_read(path: Path) -> None:
    with reopen(path) as first:
        with pytest.raises(VaultLocked, match="another window or process"):
            reopen(path)
        with reopen(path, read_only=True) as second:
            assert second.patient_count() == 1
            with pytest.raises(VaultError, match="read-only"):
                second.set_setting("a", "1")
        first.set_setting("a", "1")


def test_a_closed_vault_answers_nothing(path: Path) -> None:
    vault = reopen(path)
    vault.close()
    with pytest.raises(VaultLocked, match="sign in again"):
        vault.patients()


def test_the_recovery_words_open_the_vault(tmp_path: Path) -> None:
    vault, words = Vault.create(tmp_path / "r.vault", user="ann", passphrase=SECRET, kdf=FAST)
    vault.close()
    assert len(words.split()) == 12
    with Vault.open(tmp_path / "r.vault", user=RECOVERY, passphrase=words.upper() + " ") as opened:
        assert not opened.read_only
    with pytest.raises(WrongPassphrase, match="recovery words"):
        Vault.open(tmp_path / "r.vault", user=RECOVERY, passphrase="abandon " * 12)


def test_people_come_and_go(path: Path) -> None:
    with reopen(path) as vault:
        add_user(vault, user="bob", passphrase="another secret", role=Role.CLINICIAN, kdf=FAST)
        change_passphrase(vault, user="ann", old=SECRET, new="a new passphrase", kdf=FAST)
        with pytest.raises(UsageError, match="already"):
            add_user(vault, user="bob", passphrase="another secret", role=Role.TRAINER, kdf=FAST)
    with pytest.raises(VaultLocked):
        reopen(path)
    with Vault.open(path, user="bob", passphrase="another secret") as vault:
        assert vault.role is Role.CLINICIAN
        remove_user(vault, user="ann")
        with pytest.raises(UsageError, match="last user"):
            remove_user(vault, user="bob")


def test_weak_key_derivation_in_a_header_is_refused(path: Path) -> None:
    text = (path / "header.json").read_text("utf-8")
    (path / "header.json").write_text(text.replace('"memory_kib": 65536', '"memory_kib": 8'), "utf-8")
    with pytest.raises(VaultDamaged, match="unsafe key derivation"):
        reopen(path)


def _diagnosis(decision: Decision) -> Diagnosis:
    return Diagnosis(ADA, DiseaseId("OMIM:1"), "Fit disease", decision, "ann", "2026-01-04")


def test_the_latest_decision_stands(path: Path) -> None:
    with reopen(path) as vault:
        vault.record_diagnosis(_diagnosis(Decision.CONFIRMED))
        assert vault.labelled_patients() == (ADA,)
        assert vault.patients(PatientFilter(decided=True))[0].confirmed == "Fit disease"
        vault.record_diagnosis(_diagnosis(Decision.REJECTED))
        assert vault.labelled_patients() == ()
        assert len(vault.diagnoses(ADA)) == 2


def test_notes_are_found_by_words_and_prefixes(path: Path) -> None:
    with reopen(path) as vault:
        assert [hit.note_id for hit in vault.search_notes("fever seiz")] == [NOTE.id]
        assert vault.search_notes("grosse") == []
        assert [hit.note_id for hit in vault.search_notes("große")] == [NOTE.id]
        assert [hit.note_id for hit in vault.search_notes("größe")] == [NOTE.id]
        assert vault.search_notes('" OR *') == []


def test_the_audit_chain_holds_and_an_edit_is_found(path: Path) -> None:
    with reopen(path) as vault:
        vault.set_setting("a", "1")
        report = vault.verify_audit()
        assert report.intact
        assert report.events >= 4
        connection = vault.session().connection()
        connection.execute("DROP TRIGGER audit_event_stays")
        connection.execute("UPDATE audit_event SET detail = 'other' WHERE sequence = 2")
        assert vault.verify_audit().broken_at == 2


def test_truncating_the_audit_chain_is_found(path: Path) -> None:
    with reopen(path) as vault:
        vault.set_setting("a", "1")
        connection = vault.session().connection()
        connection.execute("DROP TRIGGER audit_event_is_kept")
        connection.execute("DELETE FROM audit_event WHERE sequence = (SELECT max(sequence) FROM audit_event)")
        assert "newest events are missing" in vault.verify_audit().finding


def test_no_audit_event_holds_content(path: Path) -> None:
    with reopen(path) as vault:
        told = " ".join(f"{e.action} {e.record_id} {e.detail}" for e in vault.audit_events())
    assert "Ada" not in told
    assert "seizure" not in told


def test_a_failed_write_leaves_nothing(path: Path) -> None:
    with reopen(path) as vault:
        orphan = Condition(RecordId("c-2"), PatientId("nobody"), "Lost")
        with pytest.raises(Exception, match="FOREIGN KEY"):
            vault.put_records([Patient(PatientId("p-2"), "New"), orphan], origin="x")
        assert vault.patient_count() == 1
        assert vault.verify_audit().intact


def test_the_ledger_only_grows_and_anchors_epsilon(path: Path) -> None:
    entry = LedgerEntry("run", "all", "gaussian", 0.1, 1.0, 1.0, 10, 1e-5, 0.7, "2026-01-05")
    with reopen(path) as vault:
        vault.append_ledger(entry)
        assert vault.ledger() == (entry,)
        with pytest.raises(Exception, match="append-only"):
            vault.session().connection().execute("DELETE FROM ledger_entry")


def test_sealed_bytes_come_back_and_altered_ones_do_not(path: Path) -> None:
    with reopen(path) as vault:
        sealed = vault.seal("model", b"weights")
        assert vault.unseal("model", sealed) == b"weights"
        with pytest.raises(VaultDamaged):
            vault.unseal("other", sealed)
        with pytest.raises(VaultDamaged):
            vault.unseal("model", sealed[:-1] + b"x")


def test_a_backup_restores_and_gives_no_budget_back(path: Path, tmp_path: Path) -> None:
    entry = LedgerEntry("run", "all", "gaussian", 0.1, 1.0, 1.0, 10, 1e-5, 0.7, "2026-01-05")
    with reopen(path) as vault:
        back_up(vault, tmp_path / "b", passphrase=SECRET)
        vault.append_ledger(entry)
    restore(tmp_path / "b", tmp_path / "new.vault", user="ann", passphrase=SECRET, replacing=path)
    with reopen(tmp_path / "new.vault") as vault:
        assert vault.chart(ADA).notes == (NOTE,)
        assert vault.setting(EPSILON_FLOOR) == "0.7"
    restore(tmp_path / "b", tmp_path / "newer.vault", user="ann", passphrase=SECRET)
    with reopen(tmp_path / "newer.vault") as vault:
        assert vault.setting(EPSILON_FLOOR) == "unknown"
