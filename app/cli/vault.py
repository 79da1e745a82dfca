"""Creates, checks, backs up and restores a vault, and says who may open it."""

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_new_passphrase, read_passphrase
from app.cli.vault_people import PEOPLE_DEEDS, add_people_arguments, rekey
from app.config.policy import load_policy
from app.errors import UsageError, VaultDamaged
from app.store.backup import back_up, restore
from app.store.check import check_vault
from app.store.erasure import erase_patient
from app.store.header import RECOVERY
from app.store.patient_query import PatientFilter
from app.store.people import list_people
from app.store.restoring import rehearse_restore, restore_in_place
from app.store.scheduled_backup import BackupPlan, back_up_by_plan, copy_by_plan, is_due, plan_of
from app.store.sealed_copy import copy_sealed
from app.store.vault import Vault


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the deeds. With --passphrase-stdin, secrets are read one a line, in the order of the help."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
    for name, about in (
        ("create", "make a new vault; stdin: passphrase"),
        ("status", "say what a vault holds; stdin: passphrase"),
        ("check", "read everything once and verify it; stdin: passphrase"),
        ("backup", "write an encrypted copy; stdin: passphrase"),
        ("restore", "make a new vault from a backup; stdin: passphrase"),
        ("drill", "rehearse the restore of a backup; stdin: passphrase"),
        ("add-user", "give a person access; stdin: your passphrase, hers, the --administrator's"),
        ("remove-user", "take a person's access away; stdin: passphrase, the --administrator's"),
        ("change-role", "give a person another role; stdin: your passphrase, hers, the --administrator's"),
        ("passphrase", "change your passphrase; stdin: the old one, then the new one"),
        ("bind-device", "let your passphrase open the vault on this device alone; stdin: passphrase"),
        ("unbind-device", "let your passphrase alone open the vault again; stdin: passphrase"),
        ("erase", "erase a patient for good; stdin: passphrase"),
        ("rekey", "change the data key; stdin: your passphrase, then one for each --keep"),
    ):
        deed = deeds.add_parser(name, help=about, description=about)
        deed.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        add_vault_arguments(deed, required=name != "drill")
        _configure_deed(name, deed)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do one deed."""
    if arguments.deed == "create":
        return _create(arguments, console)
    if arguments.deed == "restore":
        return _restore(arguments, console)
    if arguments.deed == "backup" and arguments.without_key:
        return _copy_sealed(arguments, console)
    passphrase = read_passphrase(arguments)
    if arguments.deed == "drill":
        return _drill(passphrase, arguments, console)
    if arguments.deed == "rekey":
        return rekey(passphrase, arguments, console)
    reads_only = arguments.deed in ("status", "check")
    with Vault.open(
        arguments.vault, user=arguments.user, passphrase=passphrase, read_only=reads_only
    ) as vault:
        return _DEEDS[arguments.deed](vault, passphrase, arguments, console)


def _configure_deed(name: str, deed: argparse.ArgumentParser) -> None:
    if name == "backup":
        deed.add_argument("--to", type=Path, metavar="DIR", help="the new folder (default: by the policy)")
        deed.add_argument("--if-due", action="store_true", help="only where the policy says it is time")
        deed.add_argument(
            "--without-key",
            action="store_true",
            help="copy a vault that nobody has open, as encrypted as it lies; no passphrase is asked for",
        )
    if name in ("restore", "drill"):
        deed.add_argument("--from", type=Path, required=True, metavar="DIR", dest="backup", help="the backup")
    if name == "restore":
        where = deed.add_mutually_exclusive_group()
        where.add_argument("--in-place", action="store_true", help="--vault is there: it is put aside")
        where.add_argument(
            "--replacing", type=Path, metavar="DIR", help="the vault it replaces: what was spent stays spent"
        )
    add_people_arguments(name, deed)
    if name == "erase":
        deed.add_argument("--patient", required=True, metavar="ID", help="whose records")


def _create(arguments: argparse.Namespace, console: Console) -> int:
    passphrase = read_new_passphrase(arguments, prompt="New passphrase: ")
    vault, words = Vault.create(arguments.vault, user=arguments.user, passphrase=passphrase)
    vault.close()
    console.result(
        {"vault": str(arguments.vault), "user": arguments.user, "recovery_words": words},
        f"Created {arguments.vault} for {arguments.user}.\n\nRecovery words (shown this once; write them on "
        f"paper and lock it away):\n\n    {words}\n\nThey open the vault when every passphrase is forgotten: "
        f"sign in as {RECOVERY!r} (--user {RECOVERY}) and type the words as the passphrase. Then\n"
        f"`anamnesis vault passphrase --user {RECOVERY} --name NAME` gives a person a new passphrase.",
    )
    return 0


def _restore(arguments: argparse.Namespace, console: Console) -> int:
    passphrase = read_passphrase(arguments)
    if arguments.in_place:
        aside = restore_in_place(
            arguments.backup, arguments.vault, user=arguments.user, passphrase=passphrase
        )
        console.result(
            {"restored": str(arguments.vault), "put_aside": str(aside)},
            f"Restored {arguments.vault}. What lay there is now {aside}; remove it when you are sure.",
        )
        return 0
    restore(
        arguments.backup,
        arguments.vault,
        user=arguments.user,
        passphrase=passphrase,
        replacing=arguments.replacing,
    )
    console.result({"restored": str(arguments.vault)}, f"Restored {arguments.vault}.")
    return 0


def _status(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    people = list_people(vault)
    anchored = vault.read_only_because or ""
    problem = "" if "opened read-only" in anchored else anchored
    value = {
        "vault": str(vault.path),
        "patients": vault.patient_count(),
        "confirmed": vault.patient_count(PatientFilter(decided=True)),
        "users": [{"user": s.user, "role": s.role, "bound_to_device": s.bound} for s in people],
        "audit_events": vault.audit_count(),
        "problem": problem,
    }
    text = f"{vault.path}: {value['patients']} patients, {value['confirmed']} with a confirmed diagnosis\n"
    text += "users: " + ", ".join(
        f"{s.user} ({s.role}{', bound to a device' if s.bound else ''})" for s in people
    )
    console.result(value, text)
    if problem:
        raise VaultDamaged(problem)
    return 0


def _check(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    report = check_vault(vault, sealed_files=True)
    if not report.sound:
        raise VaultDamaged("the vault is not sound: " + "; ".join(report.problems[:5]))
    console.result(
        {"sound": True, "audit_events": report.audit_events},
        f"The vault is sound; {report.audit_events} audit events in their places.",
    )
    return 0


def _drill(passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    report = rehearse_restore(arguments.backup, user=arguments.user, passphrase=passphrase)
    console.result(
        asdict(report),
        f"{arguments.backup} can be restored: {report.patients} patients, {report.notes} notes, "
        f"{report.audit_events} audit events, the newest of {report.newest}.",
    )
    return 0


def _backup(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    plan, now = _plan(arguments), datetime.now(UTC)
    if plan is not None and arguments.if_due and not is_due(vault.path, plan, now=now):
        console.result({"backup": None}, "No backup is due.")
        return 0
    if plan is None:
        written = back_up(vault, arguments.to, passphrase=passphrase)
    else:
        written = back_up_by_plan(vault, plan, passphrase=passphrase, now=now)
    console.result({"backup": str(written)}, f"Wrote and verified {written}.")
    return 0


def _copy_sealed(arguments: argparse.Namespace, console: Console) -> int:
    """Without a key, so without a passphrase: for a scheduled job of IT."""
    plan, now = _plan(arguments), datetime.now(UTC)
    if plan is not None and arguments.if_due and not is_due(arguments.vault, plan, now=now):
        console.result({"backup": None}, "No backup is due.")
        return 0
    if plan is None:
        written = copy_sealed(arguments.vault, arguments.to)
    else:
        written = copy_by_plan(arguments.vault, plan, now=now)
    console.result(
        {"backup": str(written)},
        f"Wrote {written} and compared it byte by byte. What it holds was not looked at: a key holder "
        "rehearses the restore with `anamnesis vault drill`.",
    )
    return 0


def _plan(arguments: argparse.Namespace) -> BackupPlan | None:
    """The policy's plan; None where the command says where to."""
    if arguments.to is not None:
        return None
    plan = plan_of(load_policy())
    if plan is None:
        raise UsageError("say where to with --to DIR, or let IT set backup_folder in the policy")
    return plan


def _erase(vault: Vault, passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    report = erase_patient(vault, arguments.patient)
    console.result(
        {"erased": arguments.patient, "rows": report.rows, "training_states": report.training_states},
        f"Erased: {', '.join(f'{count} of {table}' for table, count in report.rows.items())}; "
        f"{report.training_states} training states.\nBackups made before still hold her: destroy them when "
        "your rules say so. The audit log keeps that she was erased.",
    )
    return 0


_DEEDS = {
    **PEOPLE_DEEDS,
    "erase": _erase,
    "status": _status,
    "check": _check,
    "backup": _backup,
}
