"""Between the training page and the workflow: what the vault says, and a run as the page shows it."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from app.config.policy import Policy
from app.gui.training.run_view import RunProgress, RunRequest, StartRun, TrainingFacts
from app.store.vault import Vault
from app.workflows.list_models import result_store
from app.workflows.plan_training import CAP_SETTING, DECLARED_SETTING, TrainingPlan
from app.workflows.resume_training import kept_curve
from app.workflows.stop_wish import StopWish
from app.workflows.train_model import RESUME_SETTING, TrainingProgress, train_model
from app.workflows.training_curve import CurvePoint


def read_facts(vault: Vault) -> TrainingFacts:
    """Everything the plan is weighed against."""
    cap, declared = vault.setting(CAP_SETTING), vault.setting(DECLARED_SETTING)
    return TrainingFacts(
        patients=len(vault.labelled_patients()),
        ledger=vault.ledger(),
        cap=float(cap) if cap else None,
        resumable=vault.setting(RESUME_SETTING) is not None,
        declared=tuple(msgspec.json.decode(declared, type=list[str])) if declared else (),
        waiting=bool(result_store(vault).run_ids()),
        curve=kept_curve(vault),
    )


def private_run(vault: Vault, policy: Policy) -> StartRun:
    """A function that begins a run on this vault and reports how far it is."""

    def start(request: RunRequest, wish: StopWish) -> Iterator[RunProgress]:
        plan = TrainingPlan(
            target_epsilon=request.epsilon,
            delta=request.delta,
            scope=request.scope,
            cap=request.cap,
            expected_patients=request.expected_patients,
            resume=request.resume,
        )
        shown = RunProgress("Preparing", curve=kept_curve(vault) if request.resume else ())
        for report in train_model(vault, plan, stop=wish.at_once, pause=wish.after_block, policy=policy):
            if isinstance(report, TrainingProgress):
                shown = _shown(report, shown.curve)
            elif isinstance(report, CurvePoint):
                shown = replace(shown, curve=(*shown.curve, report))
            yield shown

    return start


def _shown(report: TrainingProgress, curve: tuple[CurvePoint, ...]) -> RunProgress:
    return RunProgress(
        phase=report.phase.capitalize(),
        step=report.step,
        steps=report.steps,
        epsilon=report.epsilon,
        steps_per_s=report.steps_per_second,
        eta_s=report.eta_s if report.steps_per_second else None,
        curve=curve,
        share=report.share,
    )
