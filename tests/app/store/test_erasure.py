"""An erased patient is gone from every decrypted byte, and the others are as they were."""

import shutil
from pathlib import Path

import pytest

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId, NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import Condition
from app.errors import UsageError, VaultError
from app.store.check import check_vault
from app.store.erasure import erase_patient
from app.store.key_derivation import KdfParameters, subkey
from app.store.note_draft import draft_name
from app.store.vault import Vault
from knowledge_graph.terms.term import DiseaseId, TermId
from tests.app.store.decrypted import decrypted_bytes

SECRET = "correct horse battery"
CANARY = "quinquagesima"
ADA, BOB = PatientId("p-1"), PatientId("p-2")


def records(patient: PatientId, word: str) -> list[Patient | Note | Condition]:
    return [
        Patient(patient, f"Ada {word}", identifiers=(Identifier("urn:h", f"{word}-77"),)),
        *(
            Note(NoteId(f"{patient}-{n}"), patient, f"Seen for {word} {n}. 患者{word}发热. " * 40)
            for n in range(6)
        ),
        Condition(RecordId(f"{patient}-c"), patient, f"{word} disease"),
    ]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("erasure") / "v"
    vault, _ = Vault.create(path, user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())
    with vault:
        vault.put_records([*records(ADA, CANARY), *records(BOB, "fever")], origin="t")
        changed = Condition(RecordId(f"{ADA}-c"), ADA, f"{CANARY} syndrome")
        vault.put_records([changed], origin="u")
        for patient in (ADA, BOB):
            vault.set_setting(draft_name(patient, "ann"), f"{CANARY} begun" if patient == ADA else "Begun")
        for patient, note in ((ADA, NoteId("p-1-0")), (BOB, NoteId("p-2-0"))):
            mark = Annotation(AnnotationId(f"a-{note}"), note, 0, 4, TermId("HP:0001250"))
            vault.append_annotations([AnnotationEvent(AnnotationAction.ADD, mark, "ann", "2026")])
            vault.record_diagnosis(
                Diagnosis(patient, DiseaseId("OMIM:1"), f"{CANARY} fit", Decision.CONFIRMED, "ann", "2026")
                if patient == ADA
                else Diagnosis(patient, DiseaseId("OMIM:1"), "Fit", Decision.CONFIRMED, "ann", "2026")
            )
        (vault.models_dir / "run.checkpoint").write_bytes(vault.seal("c", CANARY.encode()))
    return path


@pytest.fixture
def vault(template: Path, tmp_path: Path) -> Vault:
    path = Path(shutil.copytree(template, tmp_path / "v"))
    return Vault.open(path, user="ann", passphrase=SECRET)


def everything(vault: Vault) -> bytes:
    return decrypted_bytes(vault.path, subkey(vault.data_key(), "database"))


def test_an_erased_patient_is_in_no_decrypted_byte(vault: Vault) -> None:
    assert everything(vault).count(CANARY.encode()) > 100
    report = erase_patient(vault, ADA)
    assert report.rows == {"annotation_event": 1, "diagnosis": 1, "record": 1, "note": 6, "patient": 1}
    assert report.training_states == 1
    assert CANARY.encode() not in everything(vault)
    assert CANARY[:5].encode() not in everything(vault)
    assert b"fever" in everything(vault)
    assert not (vault.models_dir / "run.checkpoint").exists()
    vault.close()
    with Vault.open(vault.path, user="ann", passphrase=SECRET) as again:
        assert CANARY[:5].encode() not in everything(again)


def test_the_others_stay_whole_and_searchable(vault: Vault) -> None:
    before = vault.chart(BOB), vault.annotation_events(BOB)
    erase_patient(vault, ADA)
    assert (vault.chart(BOB), vault.annotation_events(BOB)) == before
    assert not vault.has_patient(ADA)
    assert vault.search_notes(CANARY) == []
    assert {hit.patient_id for hit in vault.search_notes("fever")} == {BOB}
    assert {hit.patient_id for hit in vault.search_notes("发热")} == {BOB}
    assert vault.labelled_patients() == (BOB,)
    assert check_vault(vault).sound
    with pytest.raises(Exception, match="append-only"):
        vault.session().connection().execute("DELETE FROM annotation_event")
    vault.close()


def test_an_erasure_is_audited_without_content(vault: Vault) -> None:
    erase_patient(vault, ADA)
    event = vault.audit_events(limit=1)[0]
    assert (event.action, event.record_id, event.detail) == ("patient-erased", ADA, "")
    assert vault.verify_audit().intact
    vault.close()


def test_an_unknown_patient_is_said_and_a_reading_window_is_told_of(vault: Vault) -> None:
    with pytest.raises(UsageError, match="no patient"):
        erase_patient(vault, "nobody")
    with Vault.open(vault.path, user="ann", passphrase=SECRET, read_only=True) as reader:
        connection = reader.session().connection()
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM note").fetchone()
        vault.session().connection().execute("PRAGMA busy_timeout = 0")
        with pytest.raises(VaultError, match="another window reads"):
            erase_patient(vault, ADA)
        connection.execute("COMMIT")
    vault.close()
    with Vault.open(vault.path, user="ann", passphrase=SECRET) as again:
        assert CANARY[:5].encode() not in everything(again)
