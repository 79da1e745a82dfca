"""Verifies an update file at the coordinator's, and remembers that it has come in."""

from dataclasses import dataclass
from pathlib import Path

from app.store.durable_file import write_durably
from app.workflows.inspect_update import read_update_file
from ml.federated.base_version import BaseVersion
from ml.federated.coordinator import Coordinator
from ml.federated.coordinator_ledger import CoordinatorLedger
from ml.federated.update_file import SiteKeys, VerifiedUpdate, verify_update_file


@dataclass(frozen=True, slots=True)
class CoordinatorDesk:
    """What a coordinator has at hand: keys, whom they trust, the round's base, the ledger's file."""

    coordinator: Coordinator
    trusted: dict[str, SiteKeys] | SiteKeys
    base: BaseVersion
    ledger_path: Path

    def ledger(self) -> CoordinatorLedger:
        """What was seen before; empty where nothing was."""
        if not self.ledger_path.exists():
            return CoordinatorLedger()
        return CoordinatorLedger.from_bytes(self.ledger_path.read_bytes())

    def keep(self, ledger: CoordinatorLedger) -> None:
        """Write the ledger, whole or not at all."""
        write_durably(self.ledger_path, ledger.to_bytes())


def verify_update(path: Path, desk: CoordinatorDesk, *, record: bool = True) -> VerifiedUpdate:
    """Every check there is. With `record`, the file counts as received, and coming again it is a replay."""
    update = verified(path, desk)
    ledger = desk.ledger()
    if record:
        desk.keep(ledger.with_received(update))
    else:
        ledger.check_new(update)
    return update


def verified(path: Path, desk: CoordinatorDesk) -> VerifiedUpdate:
    """Every check of one file that needs no ledger."""
    identity = desk.coordinator.identity
    data = read_update_file(path, identity)
    return verify_update_file(data, identity=identity, trusted=desk.trusted, base=desk.base)
