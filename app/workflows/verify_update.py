"""Verifies an update file at the coordinator's, and remembers that it has come in."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.store.durable_file import write_durably
from app.workflows.inspect_update import read_update_file
from ml.errors import UpdateRefused
from ml.federated.base_version import BaseVersion
from ml.federated.coordinator import Coordinator
from ml.federated.coordinator_ledger import CoordinatorLedger
from ml.federated.keys import read_public_key
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


def read_trust(text: str) -> dict[str, SiteKeys]:
    """The sites of a trust file (TOML): `[sites.NAME]` with `site_key` and `officer_key`."""
    try:
        sites = msgspec.convert(tomllib.loads(text), _TrustFile).sites
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UpdateRefused(f"the trust file is not understood ({error}); see `update keys`") from None
    for keys in sites.values():
        read_public_key(keys.site_key)
        read_public_key(keys.officer_key)
    return {name: SiteKeys(keys.site_key.strip(), keys.officer_key.strip()) for name, keys in sites.items()}


class _Site(msgspec.Struct, forbid_unknown_fields=True):
    site_key: str
    officer_key: str


class _TrustFile(msgspec.Struct, forbid_unknown_fields=True):
    sites: dict[str, _Site]
