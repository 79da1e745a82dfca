"""A round of the federation inside a watched session: publish, export, verify, aggregate, install."""

import json
from pathlib import Path

from app.config.policy import Policy
from app.workflows.export_update import export_update
from app.workflows.review_update import review_update
from ml.federated.coordinator import Coordinator, read_coordinator
from tests.app.cli.leak_search import OFFICER, SECRET
from tests.app.cli.watched_session import FEW_TEXTS, WatchedSession
from tests.app.workflows.federated_site import OFFICER as THEIRS
from tests.app.workflows.federated_site import debit, keys_of, new_site, train_pretended

KEY, TRUST, NORTH, BASE = "coordinator.key", "trust.toml", "north.fedupdate", "round-1.fedbase"


def publish_and_federate(held: WatchedSession, elsewhere: Path) -> None:
    """What was trained is published, shared and comes back; the other hospital is not watched."""
    home = held.watched / "home"
    held.verb("publish", program=FEW_TEXTS)
    held.verb("vault add-user --name olga --role privacy-officer", stdin=f"{SECRET}\n{OFFICER}\n")
    held.run("-m", "app", "update", "new-coordinator", str(home / KEY))
    desk = ["--identity", str(home / KEY), "--trust", str(home / TRUST)]
    coordinator = read_coordinator((home / KEY).read_text("utf-8"))
    held.verb("update keys --site north --json")
    site = json.loads(held.said.strip().splitlines()[-1])
    trust = {"north": (site["site_key"], site["officer_keys"]["olga"])}
    sealed = f"update export --to {home / NORTH} --recipient {coordinator.recipient} --yes"
    held.verb(sealed, stdin=f"{SECRET}\n{OFFICER}\n")
    trust["south"] = _southern_update(elsewhere, coordinator)
    told = (f'[sites.{n}]\nsite_key = "{s}"\nofficer_key = "{o}"\n' for n, (s, o) in trust.items())
    (home / TRUST).write_text("".join(told), "utf-8")
    held.run("-m", "app", "update", "inspect", str(home / NORTH), *desk[:2])
    held.run("-m", "app", "update", "verify", str(home / NORTH), *desk)
    files = [str(home / NORTH), str(elsewhere / "south.fedupdate")]
    held.run("-m", "app", "update", "aggregate", *files, *desk, "--to", str(home / BASE))
    key = f"--coordinator-key {coordinator.public_key}"
    held.verb(f"update apply {home / BASE} {key} --notes 8 --margin 1", program=FEW_TEXTS)


def _southern_update(folder: Path, coordinator: Coordinator) -> tuple[str, str]:
    """Another hospital's update, and its public keys."""
    folder.mkdir()
    with new_site(folder / "south.vault", "south") as vault:
        debit(vault)
        train_pretended(vault, bias=0.4)
        export_update(
            vault,
            review_update(vault),
            folder / "south.fedupdate",
            officer_passphrase=THEIRS,
            recipient=coordinator.recipient,
            policy=Policy(),
        )
        keys = keys_of(vault)
        return keys.site_key, keys.officer_key
