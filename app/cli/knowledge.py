"""Lists, adds, removes and checks the knowledge packs that lie beside HPO."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path

from app.cli.console import Console
from app.config.packs import read_user_packs, write_user_packs
from app.config.policy import load_policy
from app.config.settings import cache_dir
from app.errors import UsageError
from knowledge_graph.errors import SourceRefused

COMMON = "common"
SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the deeds."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
    listing = deeds.add_parser("list", help="show HPO's version and every pack in use, with its licence")
    adding = deeds.add_parser("add", help="use a pack from now on, once it has been checked")
    removing = deeds.add_parser("remove", help="put a pack aside; 'common' names the program's own")
    checking = deeds.add_parser("check", help="check packs; without FILE those in use, and HPO itself")
    for deed in (listing, adding, removing, checking):
        deed.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    for deed in (adding, removing):
        deed.add_argument(
            "pack", metavar="FILE", help="TOML, CSV, Orphanet XML, a folder of DDXPlus, or 'common'"
        )
    checking.add_argument("packs", nargs="*", metavar="FILE", help="a pack, in use or not")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do the deed; 1 where a checked pack is refused."""
    console.as_json = arguments.json
    if arguments.deed == "add":
        return _add(arguments.pack, console)
    if arguments.deed == "remove":
        return _remove(arguments.pack, console)
    return _check(arguments, console, brief=arguments.deed == "list")


def _add(name: str, console: Console) -> int:
    from app.workflows.check_knowledge import check_knowledge

    user, pack = read_user_packs(), _named(name)
    report = check_knowledge(cache_dir(), [pack])
    if report.refused:
        console.refuse(report.packs[0].refused)
        return 1
    if pack == COMMON:
        user = replace(user, common=True)
    elif pack not in user.packs:
        user = replace(user, packs=(*user.packs, Path(pack)))
    write_user_packs(user)
    found = report.packs[0]
    remarks = f"; {len(found.remarks)} remarks, see `anamnesis knowledge check`" if found.remarks else ""
    console.result(
        {"added": str(pack)}, f"{found.title}: {found.diseases} diseases, {found.rows} rows{remarks}"
    )
    return 0


def _remove(name: str, console: Console) -> int:
    user, pack = read_user_packs(), _named(name)
    if pack == COMMON:
        user = replace(user, common=False)
    elif pack in user.packs:
        user = replace(user, packs=tuple(p for p in user.packs if p != pack))
    else:
        raise UsageError(f"{name} was not added by you; see `anamnesis knowledge list`")
    write_user_packs(user)
    console.result({"removed": str(pack)}, f"{pack} is no longer used")
    return 0


def _named(name: str) -> Path | str:
    return COMMON if name == COMMON else Path(name).absolute()


def _check(arguments: argparse.Namespace, console: Console, *, brief: bool) -> int:
    from app.workflows.check_knowledge import check_knowledge
    from app.workflows.load_knowledge import choose_knowledge

    named = [] if brief else [_named(name) for name in arguments.packs]
    report = check_knowledge(cache_dir(), named or choose_knowledge(load_policy(), read_user_packs()).packs)
    lines = [f"knowledge: {report.version}"]
    for pack in report.packs:
        counts = f"{pack.diseases} diseases, {pack.terms} own terms, {pack.rows} rows"
        left = (
            f", {pack.left_out} rows about terms or diseases that this HPO lacks left out"
            if pack.left_out
            else ""
        )
        lines.append(f"{pack.path}: {pack.refused or f'{pack.title}; {counts}{left}; {pack.licence}'}")
        lines += [] if brief else [f"  {remark}" for remark in _first(pack.remarks)]
    if not brief and not report.refused:
        clash = [
            f"  {c.disease_id} {c.term_id} ({c.name}): seen by {', '.join(c.observed_by)}; "
            f"excluded by {', '.join(c.excluded_by)}"
            for c in report.contradictions
        ]
        lines += [
            f"{len(clash)} contradictions (the same disease and term, observed and excluded)",
            *_first(clash),
        ]
    value = (
        asdict(report) if not brief else {k: v for k, v in asdict(report).items() if k != "contradictions"}
    )
    console.result(value, "\n".join(lines))
    if report.refused:
        refused = ", ".join(pack.path for pack in report.packs if pack.refused)
        raise SourceRefused(f"{refused} can't be used; correct what is said above and check again")
    return 0


def _first(lines: "list[str] | tuple[str, ...]") -> list[str]:
    more = [f"  ... and {len(lines) - SHOWN} more (--json shows all)"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]
