"""Puts a kept version to use, if it passes the gates of the hospital's policy. No other way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.config.policy import Policy
from app.errors import PolicyError
from app.store.vault import Vault
from app.workflows.check_gates import check_gates, measured_as_asked, missed_gates
from app.workflows.load_knowledge import site_knowledge
from app.workflows.report_model import ReportPlan, kept_report, report_model
from app.workflows.use_model import use_model
from ml.evaluation.model_report import ModelReport
from ml.registry.model_store import ModelStore


@dataclass(frozen=True, slots=True)
class Promotion:
    """The time to note, where caches lie, and the policy."""

    at: str
    cache_dir: Path
    policy: Policy


def promote(vault: Vault, version_id: str, how: Promotion, *, reason: str) -> Iterator[str]:
    """Measure where the policy has gates, then make the version current; yields lines of progress.

    Raises PolicyError where it falls short: the version stays kept, the one in use stays in use.
    """
    gates = how.policy.gates
    if gates is not None:
        knowledge = site_knowledge(how.policy)
        plan = ReportPlan(how.at, how.cache_dir, gates.notes, how.policy.report_groups, knowledge)
        for report in report_model(vault, version_id, plan):
            if isinstance(report, ModelReport):
                missed = missed_gates(report, gates)
                vault.audit("model.gates", version_id, "missed" if missed else "passed")
                check_gates(report, gates)
            else:
                yield report
    use_model(vault, version_id, at=how.at, reason=reason)


def must_have_passed(vault: Vault, version_id: str, policy: Policy) -> None:
    """Raise PolicyError where the policy has gates and the version's kept report does not pass them."""
    if policy.gates is None:
        return
    report, name = kept_report(vault, version_id), version_id[:12]
    if report is None or not measured_as_asked(report, policy):
        known = "was never measured" if report is None else "was measured before it asked as it does now"
        raise PolicyError(
            f"this hospital's policy has gates and model {name} {known}; "
            f"run `anamnesis models --report {name}` first"
        )
    check_gates(report, policy.gates)


def was_in_use(store: ModelStore, version_id: str) -> bool:
    """Whether the version was current before: going back to it needs no gate."""
    return any(move.version_id == version_id for move in store.pointer().history)
