"""Marks a note as entered in error, lets it count again, lists a patient's notes that were marked so."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.cli.sign_in import (
    add_break_glass_argument,
    add_vault_arguments,
    enter_charts,
    open_to_read,
    read_passphrase,
)
from app.clinical.note import ErrorReason, Note
from app.clinical.patient import called

if TYPE_CHECKING:
    from app.store.vault import Vault

REASONS = {reason.name.lower().replace("_", "-"): reason for reason in ErrorReason}
_WORDS = {reason: word for word, reason in REASONS.items()}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the deeds; a note is named by its id, as `anamnesis notes` prints it."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
    for name, about in (
        ("mark-error", "keep a note, struck out, and count it nowhere; audited"),
        ("undo-error", "let a note that was marked as entered in error count again; audited"),
        ("list-errors", "list a patient's notes that were marked as entered in error"),
    ):
        deed = deeds.add_parser(name, help=about, description=about)
        deed.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        if name == "list-errors":
            deed.add_argument("--patient", metavar="ID", required=True, help="id, name or record number")
        else:
            deed.add_argument("note", metavar="NOTE", help="the note's id (`anamnesis notes` finds it)")
        if name == "mark-error":
            told = "; ".join(f"{word}: {reason}" for word, reason in REASONS.items())
            deed.add_argument("--reason", required=True, choices=REASONS, metavar="WHY", help=told)
        add_break_glass_argument(deed)
        add_vault_arguments(deed)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do one deed, by the same rights as in the window."""
    with _open(arguments, console) as vault:
        enter_charts(vault, arguments)
        value, text = _DEEDS[arguments.deed](vault, arguments)
    console.result(value, text)
    return 0


def _open(arguments: argparse.Namespace, console: Console) -> "Vault":
    """To read, or for a deed that a vault must be written for."""
    from app.store.vault import Vault

    if arguments.deed == "list-errors":
        return open_to_read(arguments, console)
    return Vault.open(arguments.vault, user=arguments.user, passphrase=read_passphrase(arguments))


def _mark(vault: "Vault", arguments: argparse.Namespace) -> tuple[Mapping[str, object], str]:
    from app.store.note_error import mark_in_error

    mark_in_error(vault, arguments.note, REASONS[arguments.reason])
    note = vault.note(arguments.note)
    return (
        {"marked": note.id, "patient_id": note.patient_id, "reason": arguments.reason},
        f"Entered in error ({REASONS[arguments.reason]}): {_line(vault, note)}\nIt stays in the chart and "
        f"counts nowhere. `anamnesis note undo-error {note.id}` lets it count again.",
    )


def _undo(vault: "Vault", arguments: argparse.Namespace) -> tuple[Mapping[str, object], str]:
    from app.store.note_error import let_count_again

    let_count_again(vault, arguments.note)
    note = vault.note(arguments.note)
    return {"counts_again": note.id, "patient_id": note.patient_id}, f"Counts again: {_line(vault, note)}"


def _list(vault: "Vault", arguments: argparse.Namespace) -> tuple[Mapping[str, object], str]:
    from app.workflows.find_patient import find_patient

    patient_id = find_patient(vault, arguments.patient)
    notes = vault.chart(patient_id).notes_in_error
    lines = [f"{_line(vault, note)}\n    {_why(note)}" for note in notes]
    return (
        {"patient_id": patient_id, "notes": [_fields(note) for note in notes]},
        "\n".join(lines) or "No note of this patient is marked as entered in error.",
    )


def _line(vault: "Vault", note: Note) -> str:
    """As `anamnesis notes` names a note."""
    patient = vault.chart(note.patient_id).patient
    who = called(patient.name, patient.record_number)
    when, title = note.written_at[:10] or "undated", note.title or "untitled"
    return f"{note.id}  {note.patient_id}  {who}, {when}, {title}"


def _why(note: Note) -> str:
    error = note.in_error
    return f"{error.reason}; marked by {error.by} on {error.at[:10]}" if error else ""


def _fields(note: Note) -> dict[str, str]:
    error = note.in_error
    marked = {"reason": _WORDS[error.reason], "by": error.by, "at": error.at} if error else {}
    return {"note_id": note.id, "title": note.title, "written_at": note.written_at, **marked}


_DEEDS = {"mark-error": _mark, "undo-error": _undo, "list-errors": _list}
