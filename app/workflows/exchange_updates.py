"""Lets the demo's sites export, and its coordinator verify and aggregate; an altered copy is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.config.policy import Policy
from app.store.signing_keys import officer_public_keys, site_private_key
from app.store.vault import Vault
from app.workflows.aggregate_updates import NewBase, aggregate_updates
from app.workflows.export_update import ExportedUpdate, export_update
from app.workflows.find_base import starting_base
from app.workflows.review_update import name_site, review_update
from app.workflows.verify_update import CoordinatorDesk, verify_update
from ml.errors import UpdateRefused
from ml.federated.aggregation import AggregationPlan
from ml.federated.coordinator import new_coordinator
from ml.federated.keys import public_text
from ml.federated.update_file import SiteKeys


@dataclass(frozen=True, slots=True)
class ExchangePlan:
    """Where the files go, who signs, how to aggregate."""

    folder: Path
    officer: str
    officer_passphrase: str
    policy: Policy
    method: str = "mean"


@dataclass(frozen=True, slots=True)
class ExchangeReport:
    """What was exchanged: the review that the officer read, the refusal of an altered copy, the base."""

    review: tuple[str, ...]
    update_bytes: dict[str, int]
    altered_refused: str
    base_path: str
    base_id: str
    coordinator_key: str


def exchange_updates(sites: Mapping[str, Vault], plan: ExchangePlan) -> ExchangeReport:
    """Export at each site, verify, refuse an altered copy, aggregate. Raises UpdateRefused, PolicyError."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    coordinator = new_coordinator()
    exported, review = _export_all(sites, plan, recipient=coordinator.recipient)
    trusted = {name: _keys(vault, plan.officer) for name, vault in sites.items()}
    desk = CoordinatorDesk(coordinator, trusted, starting_base(), plan.folder / "received.json")
    refused = _altered_is_refused(exported[0].path, desk)
    for update in exported:
        verify_update(update.path, desk)
    base: NewBase = aggregate_updates(
        [u.path for u in exported], desk, AggregationPlan(plan.method), plan.folder / "round-1.fedbase"
    )
    return ExchangeReport(
        review=review,
        update_bytes={u.path.name: u.bytes for u in exported},
        altered_refused=refused,
        base_path=str(base.path),
        base_id=base.base_id,
        coordinator_key=coordinator.public_key,
    )


def _export_all(
    sites: Mapping[str, Vault], plan: ExchangePlan, *, recipient: str
) -> tuple[list[ExportedUpdate], tuple[str, ...]]:
    exported: list[ExportedUpdate] = []
    lines: tuple[str, ...] = ()
    for name, vault in sites.items():
        name_site(vault, name)
        review = review_update(vault)
        lines = lines or review.lines
        exported.append(
            export_update(
                vault,
                review,
                plan.folder / f"{name}.fedupdate",
                officer_passphrase=plan.officer_passphrase,
                recipient=recipient,
                policy=plan.policy,
            )
        )
    return exported, lines


def _keys(vault: Vault, officer: str) -> SiteKeys:
    officer_key = officer_public_keys(vault)[officer]
    return SiteKeys(public_text(site_private_key(vault)), f"ed25519:{officer_key}")


def _altered_is_refused(path: Path, desk: CoordinatorDesk) -> str:
    """Flip one bit in the middle of a copy; what the coordinator is told."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    copy = path.with_name(f"altered-{path.name}")
    copy.write_bytes(data)
    try:
        verify_update(copy, desk, record=False)
    except UpdateRefused as refusal:
        return str(refusal)
    finally:
        copy.unlink()
    raise AssertionError("an altered update was accepted")
