"""Lists the patients of a vault, so that the other verbs can be told whom they are about."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.cli.sign_in import add_break_glass_argument, add_vault_arguments, enter_charts, open_to_read
from app.clinical.patient import called
from app.errors import UsageError

if TYPE_CHECKING:
    from app.store.patient_query import PatientRow

MOST = 1_000_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the words to look for, and the page."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="parts of a name or an identifier")
    parser.add_argument("--limit", type=int, default=50, help="how many to show")
    parser.add_argument("--offset", type=int, default=0, help="how many to pass over")
    add_break_glass_argument(parser)
    add_vault_arguments(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """One line a patient: id, name, record number, sex, birth date, notes, findings, confirmed diagnosis."""
    from app.workflows.find_patient import patient_page

    if not (1 <= arguments.limit <= MOST and 0 <= arguments.offset <= MOST):
        raise UsageError(f"--limit must lie between 1 and {MOST}, --offset between 0 and {MOST}")
    with open_to_read(arguments, console) as vault:
        enter_charts(vault, arguments)
        rows, count = patient_page(
            vault, " ".join(arguments.words), limit=arguments.limit, offset=arguments.offset
        )
    lines = [
        f"{row.id}  {called(row.name, row.record_number)}, {row.sex.lower()}, "
        f"born {row.birth_date or 'unknown'}{_died(row)}; "
        f"{row.note_count} notes, {row.finding_count} findings" + (f"; {row.confirmed}" * bool(row.confirmed))
        for row in rows
    ]
    lines.append(f"{len(rows)} of {count} patients")
    console.result({"count": count, "patients": [asdict(row) for row in rows]}, "\n".join(lines))
    return 0


def _died(row: "PatientRow") -> str:
    return "" if row.died is None else f", died {row.died[:10]}".rstrip()
