"""The vault: an encrypted folder of records, and the only door to it.

`NAME.vault/` holds `header.json` (key slots), `vault.db` (SQLCipher), `anchor.0` and `anchor.1`,
`writer.lock` and `models/`. Creating and opening are different deeds: opening never makes a file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import msgspec

from app.clinical.annotation import AnnotationEvent
from app.clinical.audit_event import AuditEvent
from app.clinical.chart import Chart, ClinicalRecord
from app.clinical.diagnosis import Diagnosis, Differential
from app.clinical.ids import PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.errors import PolicyError, UsageError, VaultLocked
from app.store import annotation_log, audit_log, note_search, patient_query, sealing
from app.store.audit_chain import AuditReport
from app.store.clock import Clock, system_clock
from app.store.creation import create_folder
from app.store.key_derivation import KdfParameters, cost_for_this_machine
from app.store.note_search import NoteHits
from app.store.opening import OpenedVault, open_folder
from app.store.patient_findings import read_observed
from app.store.patient_query import EVERYBODY, PatientFilter, PatientRow
from app.store.record_table import PutCounts, put_diagnosis, put_records
from app.store.rights import Right, has_right, remedy
from app.store.session import Session
from app.store.view_log import ViewLog
from knowledge_graph.terms.term import TermId
from ml.privacy.ledger import LedgerEntry


class Vault:
    """An open vault. Use `create` or `open`; close it, or use it as a context manager."""

    def __init__(self, path: Path, opened: OpenedVault):
        self.path = path
        self.role = opened.role
        self._data_key = opened.data_key
        self._former_key = opened.former_key
        self._session = opened.session
        self._lock = opened.lock
        self._views = ViewLog(opened.session)
        self._emergency = False

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        user: str,
        passphrase: str,
        kdf: KdfParameters | None = None,
        clock: Clock = system_clock,
    ) -> tuple["Vault", str]:
        """Make a new vault; the second value is the recovery words, shown once and never stored."""
        opened, words = create_folder(
            path, user=user, passphrase=passphrase, kdf=kdf or cost_for_this_machine(), clock=clock
        )
        return cls(path, opened), words

    @classmethod
    def open(
        cls, path: Path, *, user: str, passphrase: str, read_only: bool = False, clock: Clock = system_clock
    ) -> "Vault":
        """Open an existing vault. Raises VaultLocked, VaultDamaged or VaultTooNew; changes nothing then."""
        opened = open_folder(path, user=user, passphrase=passphrase, read_only=read_only, clock=clock)
        vault = cls(path, opened)
        try:
            vault.begin_sitting()
        except BaseException:
            vault.close()
            raise
        return vault

    def __enter__(self) -> "Vault":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def begin_sitting(self) -> None:
        """Somebody has signed in: audit it, and what she looks at anew."""
        self._views.forget()
        if not self.read_only:
            self.audit("vault-opened")

    def session(self) -> Session:
        """The database session, for the other files of this floor."""
        return self._session

    def data_key(self) -> bytes:
        """The data key, for the other files of this floor."""
        return self._data_key

    def tell_others(self, deed: str) -> None:
        """Say to those who find the writer's place taken what is done here; it stands in the clear."""
        if self._lock is not None and (holder := self._lock.holder) is not None:
            self._lock.tell(replace(holder, deed=deed))

    def close(self) -> None:
        """Close the database, drop the key, give the writer's place back."""
        self._views.forget()
        self._session.close()
        self._data_key, self._former_key = b"", None
        if self._lock is not None:
            self._lock.release()

    @property
    def closed(self) -> bool:
        """Whether the key was dropped."""
        return not self._data_key

    @property
    def user(self) -> str:
        """Who is signed in."""
        return self._session.user

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed."""
        return self._session.read_only_because is not None

    @property
    def read_only_because(self) -> str | None:
        """Why nothing can be changed; None where it can."""
        return self._session.read_only_because

    def may(self, right: Right) -> bool:
        """Whether the signed-in person's role, or an emergency, allows a deed."""
        return has_right(self.role, right, emergency=self._emergency)

    def require(self, right: Right) -> None:
        """Raise PolicyError, which names who may, where this person may not."""
        if not self.may(right):
            raise PolicyError(remedy(self.role, right))

    def lift_limits_of_care(self) -> None:
        """Until closing, allow what care needs; `break_glass` audits the reason before it calls this."""
        self._emergency = True

    @property
    def models_dir(self) -> Path:
        """Where sealed model files lie."""
        return self.path / "models"

    def put_records(self, records: Iterable[ClinicalRecord], *, origin: str) -> PutCounts:
        """Write records in one transaction; `origin` is a file's hash or a word, never content."""
        self.require(Right.IMPORT)
        with self._session.transaction("records-imported", detail=origin) as connection:
            counts = put_records(connection, records, origin=origin)
            for patient_id in counts.marked:
                annotation_log.count_findings(self._session, patient_id)
            return counts

    def put_written(self, record: Patient | Note) -> None:
        """File what a person wrote in the program, under a new id; audited by ids alone.

        Raises UsageError where the vault holds the id already: nothing written is ever changed.
        """
        self.require(Right.WRITE)
        deed, whose, detail = "patient-written", str(record.id), ""
        if isinstance(record, Note):
            deed, whose, detail = "note-written", record.patient_id, f"note {record.id}"
        with self._session.transaction(deed, whose, detail) as connection:
            if put_records(connection, [record], origin="written").added != 1:
                raise UsageError("the vault holds a record of this id already; save once more")
            annotation_log.count_findings(self._session, whose)

    def patients(
        self, wanted: PatientFilter = EVERYBODY, *, limit: int = 100, offset: int = 0
    ) -> list[PatientRow]:
        """One page of the patients that a filter lets through; audited. Raises PolicyError, as others."""
        self.require(Right.CHARTS)
        rows = patient_query.list_patients(self._session, wanted, limit=limit, offset=offset)
        return self._views.listed(rows)

    def patient_count(self, wanted: PatientFilter = EVERYBODY) -> int:
        """How many patients the filter lets through; how many there are anybody may know."""
        if wanted.narrows:
            self.require(Right.CHARTS)
        return patient_query.count_patients(self._session, wanted)

    def numbered_patients(self, number: str) -> list[PatientRow]:
        """Everybody who has this record number, from whichever system; audited."""
        self.require(Right.CHARTS)
        return self._views.listed(patient_query.list_numbered(self._session, number))

    def chart(self, patient_id: str) -> Chart:
        """Everything about one patient; audited, as are the parts of a chart below."""
        self.require(Right.CHARTS)
        chart = patient_query.read_chart(self._session, patient_id)
        self._views.opened(patient_id)
        return chart

    def every_chart(self) -> Iterator[tuple[Chart, tuple[AnnotationEvent, ...]]]:
        """All charts with their logs, one after the other; audited as one reading."""
        self.require(Right.CHARTS)
        patient_ids = patient_query.patient_ids(self._session)
        self._views.read_all(len(patient_ids))
        return patient_query.read_charts(self._session, patient_ids)

    def has_patient(self, patient_id: str) -> bool:
        """Whether the vault holds this patient."""
        return bool(self._session.rows("SELECT 1 FROM patient WHERE id = ?", (patient_id,)))

    def people(self) -> dict[str, Patient]:
        """Every patient of the vault, by id: to tell people apart, not to be shown, and not audited."""
        self.require(Right.CHARTS)
        return patient_query.read_people(self._session)

    def observed_terms(self) -> dict[PatientId, frozenset[TermId]]:
        """Observed terms of every patient who has any, from marks that stand and coded features."""
        self.require(Right.CHARTS)
        return read_observed(self._session)

    def note(self, note_id: str) -> Note:
        """One note."""
        self.require(Right.CHARTS)
        note = patient_query.read_note(self._session, note_id)
        self._views.opened(note.patient_id)
        return note

    def search_notes(self, query: str, limit: int = 50) -> NoteHits:
        """Notes that hold every word of the query; audited by how many, never by the words."""
        self.require(Right.CHARTS)
        return self._views.searched(query, note_search.search_notes(self._session, query, limit=limit))

    def append_annotations(self, events: Sequence[AnnotationEvent]) -> None:
        """Append to the annotation log. Raises UsageError for a note that does not take it."""
        self.require(Right.ANNOTATE)
        annotation_log.append_events(self._session, events)

    def annotation_events(self, patient_id: str) -> tuple[AnnotationEvent, ...]:
        """The logs of all notes of a patient that count, oldest first."""
        self.require(Right.CHARTS)
        log = patient_query.read_patient_log(self._session, patient_id)
        if log:
            self._views.opened(patient_id)
        return tuple(log)

    def record_diagnosis(self, diagnosis: Diagnosis) -> None:
        """Append a decision; the latest one about a disease stands."""
        self.require(Right.DECIDE)
        with self._session.transaction(
            f"diagnosis-{diagnosis.decision}",
            diagnosis.patient_id,
            f"model {diagnosis.model_version[:16] or 'none'}, rank shown {diagnosis.shown_rank or 'none'}",
        ) as connection:
            put_diagnosis(connection, diagnosis)

    def diagnoses(self, patient_id: str) -> tuple[Diagnosis, ...]:
        """Every decision about a patient, oldest first."""
        self.require(Right.CHARTS)
        said = patient_query.read_diagnoses(self._session, patient_id)
        if said:
            self._views.opened(patient_id)
        return tuple(said)

    def labelled_patients(self) -> tuple[PatientId, ...]:
        """Patients with a confirmed disease that nothing later took back, in id order."""
        return patient_query.patient_ids(self._session, decided_only=True)

    def audit(self, action: str, record_id: str = "", detail: str = "") -> None:
        """Write an audit event of its own."""
        with self._session.transaction(action, record_id, detail):
            pass

    def record_shown(self, patient_id: str, shown: Differential) -> None:
        """Audit that a differential was shown, the same once a sitting; without content."""
        self._views.shown(patient_id, shown)

    def audit_events(self, limit: int = 200, before: int | None = None) -> list[AuditEvent]:
        """Events, newest first, older than sequence `before`."""
        return audit_log.newest(self._session, limit=limit, before=before)

    def all_audit_events(self) -> Iterator[AuditEvent]:
        """Every event, oldest first, a page at a time."""
        return (event for event, _ in audit_log.SignedEvents(self._session))

    def audit_count(self) -> int:
        """How many events there are."""
        return int(self._session.rows("SELECT count(*) FROM audit_event")[0][0])

    def verify_audit(self) -> AuditReport:
        """Walk the whole chain against the anchored head."""
        anchor = self._session.anchors.read()  # before the events: another process may append more
        events = audit_log.SignedEvents(self._session)
        return self._session.chain.verify(events, head=anchor.audit_head if anchor else None)

    def append_ledger(self, entry: LedgerEntry) -> None:
        """Debit the privacy ledger; returns only when the debit is on disk."""
        self.require(Right.TRAIN)
        with self._session.transaction("privacy-debited", entry.run_id, f"{entry.steps} steps") as connection:
            connection.execute("INSERT INTO ledger_entry (body) VALUES (?)", (msgspec.json.encode(entry),))

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """All debits, oldest first."""
        rows = self._session.rows("SELECT body FROM ledger_entry ORDER BY sequence")
        return tuple(msgspec.json.decode(body, type=LedgerEntry) for (body,) in rows)

    def setting(self, name: str) -> str | None:
        """A setting kept inside the vault."""
        rows = self._session.rows("SELECT value FROM setting WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def set_setting(
        self,
        name: str,
        value: str | None,
        *,
        action: str = "setting-changed",
        record_id: str = "",
        detail: str | None = None,
    ) -> None:
        """Keep a setting, or forget it with None; audited by its name where no detail says more."""
        said = name if detail is None else detail
        self.set_settings({name: value}, action=action, record_id=record_id, detail=said)

    def set_settings(
        self, values: Mapping[str, str | None], *, action: str, record_id: str = "", detail: str = ""
    ) -> None:
        """The same for several, in one deed: all of them and its event, or nothing."""
        with self._session.transaction(action, record_id, detail) as connection:
            for name, value in values.items():
                if value is None:
                    connection.execute("DELETE FROM setting WHERE name = ?", (name,))
                else:
                    connection.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, value))

    def seal(self, purpose: str, data: bytes) -> bytes:
        """Encrypt bytes for a file beside the database."""
        return sealing.seal(self._key(), purpose, data)

    def unseal(self, purpose: str, data: bytes) -> bytes:
        """Decrypt what `seal` made. Raises VaultDamaged where a byte was altered."""
        return sealing.unseal(self._key(), purpose, data, former_key=self._former_key)

    def _key(self) -> bytes:
        if not self._data_key:
            raise VaultLocked("the vault is locked; sign in again")
        return self._data_key
