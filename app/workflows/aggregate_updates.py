"""Makes a new base of several verified updates, signs it, and notes that they are used up."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.workflows.verify_update import CoordinatorDesk, verified
from app.workflows.write_file import check_new_file, write_file
from ml.federated.aggregation import AggregationPlan, Contribution, aggregate
from ml.federated.base_file import read_base, write_base
from ml.federated.statement import BaseStatement


@dataclass(frozen=True, slots=True)
class NewBase:
    """The base file written, and what each site contributed to it."""

    path: Path
    base_id: str
    bytes: int
    statement: BaseStatement
    contributions: tuple[Contribution, ...]


def aggregate_updates(
    paths: Sequence[Path], desk: CoordinatorDesk, plan: AggregationPlan, target: Path
) -> NewBase:
    """Verify each file, aggregate, write the base, then mark the updates as used. Raises UpdateRefused."""
    check_new_file(target)
    updates = [verified(path, desk) for path in paths]
    spent = desk.ledger().with_aggregated(updates)
    statement, tensors, contributions = aggregate(updates, desk.base, plan)
    data = write_base(statement, tensors, private_key=desk.coordinator.private_key)
    base_id = read_base(data, coordinator_key=desk.coordinator.public_key).base_id
    write_file(target, data)
    desk.keep(spent)
    return NewBase(target, base_id, len(data), statement, contributions)
