"""Finds notes by their words, so that a person at the command line learns whose they are."""

import argparse
from dataclasses import asdict

from app.cli.console import Console
from app.cli.sign_in import add_break_glass_argument, add_vault_arguments, enter_charts, open_to_read
from app.clinical.patient import called
from app.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the words to look for, and how many notes to show."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="WORD",
        help='words of the notes; "in quotes" a phrase; the last may be begun',
    )
    parser.add_argument("--limit", type=int, default=20, help="how many to show, best first")
    add_break_glass_argument(parser)
    add_vault_arguments(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """One line a note: its id, its patient's, date, title, and the words around the first match."""
    from app.store.note_search import find_notes

    if not 1 <= arguments.limit <= 2000:
        raise UsageError("--limit must lie between 1 and 2000: only the newest 2,000 hits are ranked")
    with open_to_read(arguments, console) as vault:
        enter_charts(vault, arguments)
        words = " ".join(arguments.words)
        *_, hits = find_notes(vault, words, limit=arguments.limit, stop=lambda: False)
    lines = [
        f"{hit.note_id}  {hit.patient_id}  {called(hit.patient_name, hit.record_number)}, "
        f"{hit.written_at[:10] or 'undated'}, {hit.title or 'untitled'}\n    {hit.snippet}"
        for hit in hits
    ]
    console.result({"notes": [asdict(hit) for hit in hits]}, "\n".join(lines) or "No note holds these words.")
    return 0
