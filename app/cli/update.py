"""Makes, inspects, verifies, aggregates and applies federated updates, and shows or makes their keys."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.cli.desk import add_desk_arguments, open_desk, read_text, text_or_file
from app.cli.sign_in import add_vault_arguments, read_passphrase
from app.errors import WorkerFailed

if TYPE_CHECKING:
    from app.workflows.review_update import UpdateReview

_DEED_HELP = {
    "keys": "site: print its name and public keys, for the coordinator's trust file; stdin: passphrase",
    "export": "site: review, sign and write an update; stdin: passphrase, then the privacy officer's",
    "apply": "site: check a new base on public notes and install it; stdin: passphrase",
    "new-coordinator": "coordinator: make the key file (keep it secret) and print what the sites need",
    "inspect": "say what an update or base file holds; checks no signature",
    "verify": "coordinator: check an update completely and note that it came in",
    "aggregate": "coordinator: make a new base of several updates",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the deeds."""
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="DEED")
    for name, about in _DEED_HELP.items():
        deed = deeds.add_parser(name, help=about, description=about)
        deed.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        if name in ("keys", "export", "apply"):
            add_vault_arguments(deed)
        if name in ("verify", "aggregate"):
            add_desk_arguments(deed)
        _CONFIGURE[name](deed)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Do one deed."""
    return _DEEDS[arguments.deed](arguments, console)


def _configure_keys(deed: argparse.ArgumentParser) -> None:
    deed.add_argument("--site", metavar="NAME", help="give the site its public name")
    deed.add_argument("--weight", type=int, metavar="N", help="the public weight that the site claims")


def _configure_export(deed: argparse.ArgumentParser) -> None:
    deed.add_argument("--to", type=Path, required=True, metavar="FILE", help="the new .fedupdate")
    deed.add_argument("--recipient", required=True, metavar="AGE", help="age1... or a file that holds it")
    deed.add_argument("--version", metavar="ID", help="the model version (default: the one in use)")
    deed.add_argument("--base", metavar="ID", help="the shared base (default: what it was trained from)")
    deed.add_argument(
        "--yes",
        action="store_true",
        help="the review was read: sign without asking (without it, and without a terminal, the review is "
        "printed and nothing is written)",
    )


def _configure_apply(deed: argparse.ArgumentParser) -> None:
    deed.add_argument("file", type=Path, metavar="FILE", help="the .fedbase")
    deed.add_argument("--coordinator-key", metavar="KEY", help="ed25519:..., or a file; kept after the first")
    deed.add_argument("--margin", type=float, default=0.03, help="how far top-10 may fall (default 0.03)")
    deed.add_argument("--notes", type=int, default=150, metavar="N", help="public notes of each style")


def _configure_new_coordinator(deed: argparse.ArgumentParser) -> None:
    deed.add_argument("file", type=Path, metavar="FILE", help="the new key file")


def _configure_inspect(deed: argparse.ArgumentParser) -> None:
    deed.add_argument("file", type=Path, metavar="FILE", help="a .fedupdate or .fedbase")
    deed.add_argument("--identity", type=Path, metavar="FILE", help="the coordinator's key file")


def _configure_verify(deed: argparse.ArgumentParser) -> None:
    deed.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a .fedupdate")
    deed.add_argument("--check-only", action="store_true", help="do not note that it came in")


def _configure_aggregate(deed: argparse.ArgumentParser) -> None:
    deed.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a .fedupdate")
    deed.add_argument("--to", type=Path, required=True, metavar="FILE", help="the new .fedbase")
    deed.add_argument("--method", choices=("mean", "median", "trimmed"), default="mean")
    deed.add_argument("--norm-factor", type=float, default=2.0, help="longest delta, in median lengths")
    deed.add_argument("--weight-factor", type=float, default=2.0, help="largest weight, in median weights")
    deed.add_argument("--trim", type=float, default=0.2, help="share left out at each end (trimmed)")


def _keys(arguments: argparse.Namespace, console: Console) -> int:
    from app.store.signing_keys import officer_public_keys, site_private_key
    from app.store.vault import Vault
    from app.workflows.review_update import declare_weight, name_site, site_name
    from ml.federated.keys import PREFIX, public_text

    passphrase = read_passphrase(arguments)
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase) as vault:
        if arguments.site:
            name_site(vault, arguments.site)
        if arguments.weight is not None:
            declare_weight(vault, arguments.weight)
        site, site_key = site_name(vault), public_text(site_private_key(vault))
        officers = {user: PREFIX + key for user, key in officer_public_keys(vault).items()}
    lines = [f'[sites."{site}"]', f'site_key = "{site_key}"']
    lines += [f'officer_key = "{key}"  # {_one_line(user)}' for user, key in officers.items()]
    if not officers:
        lines.append("# no privacy officer yet: `anamnesis vault add-user --role privacy-officer`")
    console.result({"site": site, "site_key": site_key, "officer_keys": officers}, "\n".join(lines))
    return 0


def _export(arguments: argparse.Namespace, console: Console) -> int:
    from app.config.policy import load_policy
    from app.store.vault import Vault
    from app.workflows.export_update import check_export, export_update
    from app.workflows.review_update import review_update

    policy, recipient = load_policy(), text_or_file(arguments.recipient)
    check_export(policy, arguments.to, recipient)
    passphrase = read_passphrase(arguments)
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase) as vault:
        review = review_update(vault, version_id=arguments.version, base_id=arguments.base)
        if not arguments.yes and not _agreed(review, recipient, arguments, console):
            console.refuse("not signed; nothing was written (to sign without a terminal, add --yes)")
            return 1
        officer = read_passphrase(arguments, prompt="Privacy officer's passphrase: ")
        written = export_update(
            vault, review, arguments.to, officer_passphrase=officer, recipient=recipient, policy=policy
        )
    value = {"file": str(written.path), "sha256": written.sha256, "bytes": written.bytes}
    text = f"Wrote {written.path} ({written.bytes:,} bytes, sha256 {written.sha256})."
    if arguments.yes:
        text = "\n".join((*review.lines, text))
    console.result({**value, "review": _as_value(review)}, text)
    return 0


def _agreed(review: "UpdateReview", recipient: str, arguments: argparse.Namespace, console: Console) -> bool:
    lines = (*review.lines, f"It would be sealed for {recipient.strip()}; compare it with the coordinator.")
    console.result({"signed": False, "review": _as_value(review)}, "\n".join(lines))
    if arguments.passphrase_stdin or not sys.stdin.isatty():
        return False
    return input("Sign and write this file? [y/N] ").strip().lower() in ("y", "yes")


def _as_value(review: "UpdateReview") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "lines": list(review.lines),
        "version": review.version_id,
        "site": review.site,
        "round": review.round,
        "base": review.base,
        "weight": review.weight,
        "privacy": asdict(review.privacy),
        "tensors": [asdict(part) for part in review.tensors],
        "payload_sha256": review.payload_sha256,
        "diseases": list(review.diseases),
    }


def _apply(arguments: argparse.Namespace, console: Console) -> int:
    from app.config.policy import load_policy
    from app.config.settings import cache_dir
    from app.store.vault import Vault
    from app.workflows.apply_update import AppliedBase, ApplyPlan, apply_update

    plan = ApplyPlan(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        cache_dir=cache_dir(),
        margin=arguments.margin,
        notes_per_style=arguments.notes,
        policy=load_policy(),
    )
    key = text_or_file(arguments.coordinator_key) if arguments.coordinator_key else None
    passphrase = read_passphrase(arguments)
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase) as vault:
        for report in apply_update(vault, arguments.file, plan, coordinator_key=key):
            if isinstance(report, AppliedBase):
                value = {
                    "version": report.version.version_id,
                    "base": report.base_id,
                    "round": report.round,
                    "top10": report.measured,
                }
                text = f"Now in use: {report.version.version_id[:12]}, base of round {report.round}."
                console.result(value, text + " `anamnesis rollback` goes back.")
                return 0
            console.progress(report)
    raise WorkerFailed("the base was not installed; try again")


def _new_coordinator(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.write_file import write_file
    from ml.federated.coordinator import new_coordinator

    coordinator = new_coordinator()
    write_file(arguments.file, coordinator.to_text().encode())
    value = {"recipient": coordinator.recipient, "coordinator_key": coordinator.public_key}
    console.result(
        {"file": str(arguments.file), **value},
        f"Wrote {arguments.file}; keep it secret. Tell the sites, and let them compare by phone:\n"
        f"  recipient: {coordinator.recipient}\n  coordinator key: {coordinator.public_key}",
    )
    return 0


def _inspect(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.inspect_update import inspect_update
    from ml.federated.coordinator import read_coordinator

    identity = None
    if arguments.identity is not None:
        identity = read_coordinator(read_text(arguments.identity)).identity
    lines = inspect_update(arguments.file, identity)
    console.result({"lines": list(lines)}, "\n".join(lines))
    return 0


def _verify(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.verify_update import verify_update

    desk = open_desk(arguments)
    found, lines = [], []
    for path in arguments.files:
        update = verify_update(path, desk, record=not arguments.check_only)
        privacy = update.statement.privacy
        found.append({"file": str(path), "digest": update.digest, "site": update.statement.site})
        lines.append(
            f"{path}: verified. Site {update.statement.site}, round {update.statement.round}, "
            f"epsilon {privacy.epsilon:.4g}, delta {privacy.delta:.2g}, statement {update.digest[:12]}"
        )
    console.result({"verified": found}, "\n".join(lines))
    return 0


def _aggregate(arguments: argparse.Namespace, console: Console) -> int:
    from dataclasses import asdict

    from app.workflows.aggregate_updates import aggregate_updates
    from ml.federated.aggregation import AggregationPlan

    plan = AggregationPlan(arguments.method, arguments.norm_factor, arguments.weight_factor, arguments.trim)
    made = aggregate_updates(arguments.files, open_desk(arguments), plan, arguments.to)
    lines = [
        f"  {c.site}: length {c.norm:.4g}, shortened to {c.scale:.1%}, share {c.weight:.1%}"
        for c in made.contributions
    ]
    value = {
        "file": str(made.path),
        "base": made.base_id,
        "round": made.statement.round,
        "method": made.statement.method,
        "epsilon": made.statement.epsilon,
        "bytes": made.bytes,
        "contributions": [asdict(c) for c in made.contributions],
    }
    heading = (
        f"Wrote {made.path}: base {made.base_id[:12]}, round {made.statement.round}, {made.bytes:,} bytes"
    )
    console.result(value, "\n".join((heading, *lines)))
    return 0


def _one_line(text: str) -> str:
    return " ".join(text.split())


_CONFIGURE = {
    "keys": _configure_keys,
    "export": _configure_export,
    "apply": _configure_apply,
    "new-coordinator": _configure_new_coordinator,
    "inspect": _configure_inspect,
    "verify": _configure_verify,
    "aggregate": _configure_aggregate,
}

_DEEDS = {
    "keys": _keys,
    "export": _export,
    "apply": _apply,
    "new-coordinator": _new_coordinator,
    "inspect": _inspect,
    "verify": _verify,
    "aggregate": _aggregate,
}
