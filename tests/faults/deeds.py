"""Deeds that change a vault, each with what must hold afterwards, wherever it was stopped.

A deed acknowledges what it has done; what was acknowledged must be there, and what was not may be there
or not, but nothing in between.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.note import ErrorReason, Note
from app.clinical.patient import Patient
from app.errors import AnamnesisError
from app.store.backup import back_up, restore
from app.store.check import check_vault
from app.store.erasure import erase_patient
from app.store.header import RECOVERY, Role
from app.store.key_derivation import KdfParameters, subkey
from app.store.note_error import let_count_again, mark_in_error
from app.store.people import add_user, change_passphrase, remove_user
from app.store.restoring import restore_in_place
from app.store.sealed_copy import copy_sealed
from app.store.vault import Vault
from app.workflows.list_models import model_store
from knowledge_graph.terms.term import DiseaseId, TermId
from ml.privacy.ledger import LedgerEntry
from ml.registry.model_version import TENSORS_FILE, ModelCard, pack_version
from tests.app.store.decrypted import decrypted_bytes
from tests.app.store.former_schemas import RELEASED, UNDO
from tests.app.store.prepared_rekey import prepare_rekey
from tests.faults.error_marks import BEA, MISTAKEN, STAYS, disagreements, write_notes

SECRET, OTHER, BOB = "passphrase of ann", "another passphrase", "passphrase of bob"
FAST = KdfParameters.fast_for_tests()
ADA, NOTE = PatientId("p-1"), Note(NoteId("n-1"), PatientId("p-1"), "She has seizures and fever.")
CARD = ModelCard(
    title="t", base_version="", scope="head", encoder="e", encoder_sha256="0" * 64, label_count=2
)
Acknowledge = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deed:
    """A change of the folder's vault `v`, and the check of the folder afterwards: a list of problems."""

    name: str
    act: Callable[[Path, Acknowledge], None]
    check: Callable[[Path, Sequence[str]], list[str]]


def prepare(folder: Path) -> None:
    """A vault `v` with two patients, notes and a sealed file, a backup `b0`, an `old` one of schema 1."""
    vault, words = Vault.create(folder / "v", user="ann", passphrase=SECRET, kdf=FAST)
    (folder / "words").write_text(words, "utf-8")
    with vault:
        vault.put_records([Patient(ADA, "Ada Sample"), NOTE], origin="t")
        write_notes(vault)
        (vault.models_dir / "one").write_bytes(vault.seal("m", b"weights"))
        back_up(vault, folder / "b0", passphrase=SECRET)

    shutil.copytree(folder / "v", folder / "old")
    with open_it(folder / "old") as old:
        let_count_again(old, MISTAKEN.id)  # no note was entered in error then
        connection = old.session().connection()
        for version in reversed(RELEASED):
            connection.executescript(f"{UNDO[version]}; PRAGMA user_version = {version};")


def open_it(path: Path, secret: str = SECRET, *, user: str = "ann", read_only: bool = False) -> Vault:
    """Open as one of the people of the deeds."""
    return Vault.open(path, user=user, passphrase=secret, read_only=read_only)


def _write(folder: Path, acknowledge: Acknowledge) -> None:
    mark = Annotation(AnnotationId("a"), NOTE.id, 8, 16, TermId("HP:0001250"))
    spent = LedgerEntry("run", "all", "gaussian", 0.1, 1.0, 1.0, 10, 1e-5, 0.7, "2026")
    with open_it(folder / "v") as vault:
        vault.set_setting("kept", "x" * 300)
        acknowledge("setting")
        vault.append_annotations([AnnotationEvent(AnnotationAction.ADD, mark, "ann", "2026")])
        acknowledge("annotation")
        vault.put_records([Note(NoteId("n-2"), ADA, "A second visit. " * 400)], origin="t")
        acknowledge("note")
        vault.record_diagnosis(
            Diagnosis(ADA, DiseaseId("OMIM:1"), "Fit disease", Decision.CONFIRMED, "ann", "2026")
        )
        acknowledge("diagnosis")
        vault.append_ledger(spent)
        acknowledge("debit")
    acknowledge("closed")


def _written(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    with open_it(folder / "v") as vault:
        there = {
            "setting": vault.setting("kept") == "x" * 300,
            "annotation": len(vault.annotation_events(ADA)) == 1,
            "note": len(vault.chart(ADA).notes) == 2,
            "diagnosis": len(vault.diagnoses(ADA)) == 1,
            "debit": len(vault.ledger()) == 1,
            "closed": True,
        }
        problems = _soundness(vault)
    lost = [f"acknowledged and lost: {name}" for name in acknowledged if not there[name]]
    done = [name for name in there if there[name] and name != "closed"]
    ordered = list(there)[: len(done)] == done
    return problems + lost + ([] if ordered else [f"out of order: {done}"])


def _soundness(vault: Vault) -> list[str]:
    problems = list(check_vault(vault).problems)
    if vault.read_only:
        problems.append(f"read-only: {vault.read_only_because}")
    if vault.chart(ADA).notes[0] != NOTE:
        problems.append("the note is gone")
    if vault.unseal("m", (vault.models_dir / "one").read_bytes()) != b"weights":
        problems.append("the sealed file is gone")
    return problems + disagreements(vault)


def _mark_in_error(folder: Path, acknowledge: Acknowledge) -> None:
    with open_it(folder / "v") as vault:
        mark_in_error(vault, STAYS.id, ErrorReason.WRITTEN_TWICE)
        acknowledge("in error")


def _marked_in_error(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    with open_it(folder / "v") as vault:
        problems, error = _soundness(vault), vault.note(STAYS.id).in_error
    if error is not None and error.reason is not ErrorReason.WRITTEN_TWICE:
        problems.append("another reason is kept")
    return problems + (["acknowledged, and the note still counts"] if acknowledged and error is None else [])


def _let_count_again(folder: Path, acknowledge: Acknowledge) -> None:
    with open_it(folder / "v") as vault:
        let_count_again(vault, MISTAKEN.id)
        acknowledge("counts")


def _counts_again(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    with open_it(folder / "v") as vault:
        problems, error = _soundness(vault), vault.note(MISTAKEN.id).in_error
    return problems + (["acknowledged, and the note does not count"] if acknowledged and error else [])


def _make(folder: Path, acknowledge: Acknowledge) -> None:
    vault, words = Vault.create(folder / "n", user="ann", passphrase=SECRET, kdf=FAST)
    acknowledge(words)
    vault.close()


def _made(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    try:
        with open_it(folder / "n") as vault:
            problems = list(check_vault(vault).problems)
        for words in acknowledged:
            Vault.open(folder / "n", user=RECOVERY, passphrase=words).close()
    except AnamnesisError as error:
        return [f"acknowledged, and does not open: {error}"] if acknowledged else []
    return problems if acknowledged else []


def _admit(folder: Path, acknowledge: Acknowledge) -> None:
    with open_it(folder / "v") as vault:
        add_user(vault, user="bob", passphrase=BOB, role=Role.CLINICIAN, kdf=FAST)
        acknowledge("added")
        change_passphrase(vault, user="ann", old=SECRET, new=OTHER, kdf=FAST)
        acknowledge("changed")
        remove_user(vault, user="bob")
        acknowledge("removed")


def _admitted(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    bob = _opens(folder / "v", BOB, user="bob")
    old, new = _opens(folder / "v", SECRET), _opens(folder / "v", OTHER)
    problems = [] if old != new else ["ann has not exactly one passphrase"]
    if "changed" in acknowledged and not new:
        problems.append("a changed passphrase was lost")
    if "added" in acknowledged and "changed" not in acknowledged and not bob:
        problems.append("an added user was lost")
    if "removed" in acknowledged and bob:
        problems.append("a removed user is back")
    if old or new:
        with open_it(folder / "v", OTHER if new else SECRET) as vault:
            problems += _soundness(vault)
    return problems


def _opens(path: Path, secret: str, *, user: str = "ann") -> bool:
    try:
        open_it(path, secret, user=user).close()
    except AnamnesisError:
        return False
    return True


def _rekey(folder: Path, acknowledge: Acknowledge) -> None:
    change = prepare_rekey(open_it(folder / "v"), passphrase=SECRET)
    try:
        acknowledge(change.recovery_words)
        change.commit()
    finally:
        change.close()
    acknowledge("done")


def _rekeyed(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    with open_it(folder / "v") as vault:
        problems = _soundness(vault)
    words = [acknowledged[0] if acknowledged else "", (folder / "words").read_text("utf-8")]
    opening = [w for w in words if w and _opens(folder / "v", w, user="recovery")]
    if len(opening) != 1:
        problems.append(f"{len(opening)} sheets of recovery words open the vault")
    if "done" in acknowledged and opening != words[:1]:
        problems.append("the new recovery words do not open")
    return problems


def _back_up(folder: Path, acknowledge: Acknowledge) -> None:
    with open_it(folder / "v") as vault:
        back_up(vault, folder / "b", passphrase=SECRET)
        acknowledge("b")


def _copy_sealed(folder: Path, acknowledge: Acknowledge) -> None:
    copy_sealed(folder / "v", folder / "b")
    acknowledge("b")


def _restore(folder: Path, acknowledge: Acknowledge) -> None:
    restore(folder / "b0", folder / "r", user="ann", passphrase=SECRET, replacing=folder / "v")
    acknowledge("r")


def _erase(folder: Path, acknowledge: Acknowledge) -> None:
    with open_it(folder / "v") as vault:
        erase_patient(vault, ADA)
        acknowledge("erased")


def _erased(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    with open_it(folder / "v") as vault:
        problems, gone = list(check_vault(vault).problems), not vault.has_patient(ADA)
        if vault.chart(BEA).notes != (STAYS,) or len(vault.search_notes("发热")) != 1:
            problems.append("another patient's note is gone")
        if len(vault.search_notes("seizures")) == gone:
            problems.append("the index and the notes disagree")
        key = subkey(vault.data_key(), "database")
    if gone and b"seizures" in decrypted_bytes(folder / "v", key):
        problems.append("a word of the erased patient is still there")
    return problems + (["acknowledged and not erased"] if acknowledged and not gone else [])


def _replace(folder: Path, acknowledge: Acknowledge) -> None:
    restore_in_place(folder / "b0", folder / "v", user="ann", passphrase=SECRET)
    acknowledge("replaced")


def _replaced(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    with open_it(folder / "v") as vault:
        problems = _soundness(vault)
        restored = any(e.action == "restored-from-backup" for e in vault.audit_events())
    if acknowledged and not (restored and (folder / "v.replaced-1").exists()):
        problems.append("acknowledged and not replaced")
    return problems


def _publish(folder: Path, acknowledge: Acknowledge) -> None:
    with open_it(folder / "v") as vault:
        store = model_store(vault)
        for weights in (b"first weights" * 50, b"second weights" * 50):
            content = pack_version({TENSORS_FILE: weights}, CARD)
            store.add(content)
            store.set_current(content.version.version_id, at="2026", reason="publish")
            acknowledge(content.version.version_id)


def _published(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    with open_it(folder / "v") as vault:
        store, problems = model_store(vault), _soundness(vault)
        kept, current = store.version_ids(), store.pointer().current
        for version in kept:
            store.load(version)
    problems += [f"acknowledged and lost: model {v[:8]}" for v in acknowledged if v not in kept]
    problems += ["the current model is not kept"] if current is not None and current not in kept else []
    if acknowledged and current is None:
        problems.append("acknowledged, and no model is current")
    return problems


def _migrate(folder: Path, acknowledge: Acknowledge) -> None:
    with open_it(folder / "old") as vault:
        acknowledge("opened")
        vault.set_setting("kept", "x")
        acknowledge("kept")


def _migrated(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    with open_it(folder / "old") as vault:
        problems = _soundness(vault)
        if len(vault.search_notes("发热")) != 1:
            problems.append("the new index lacks a note")
        if "kept" in acknowledged and vault.setting("kept") != "x":
            problems.append("acknowledged and lost: kept")
    return problems


def _copied(folder: Path, acknowledged: Sequence[str]) -> list[str]:
    problems = [f"acknowledged and absent: {n}" for n in acknowledged if not (folder / n).exists()]
    for name in ("v", "b0", "b", "r"):
        if name in ("v", "b0") or (folder / name).exists():
            with open_it(folder / name, read_only=name.startswith("b")) as vault:
                problems += [f"{name}: {p}" for p in _soundness(vault) if "opened read-only" not in p]
    return problems


DEEDS: tuple[Deed, ...] = (
    Deed("write", _write, _written),
    Deed("error", _mark_in_error, _marked_in_error),
    Deed("undo-error", _let_count_again, _counts_again),
    Deed("create", _make, _made),
    Deed("people", _admit, _admitted),
    Deed("rekey", _rekey, _rekeyed),
    Deed("backup", _back_up, _copied),
    Deed("copy", _copy_sealed, _copied),
    Deed("restore", _restore, _copied),
    Deed("erase", _erase, _erased),
    Deed("replace", _replace, _replaced),
    Deed("publish", _publish, _published),
    Deed("migrate", _migrate, _migrated),
)
