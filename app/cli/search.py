"""Looks for good training settings on public synthetic patients; goes on where it was stopped."""

import argparse
from dataclasses import asdict
from pathlib import Path

from app.cli.console import Console
from app.config.settings import cache_dir
from app.errors import UsageError

LEAST = {"trials": 1, "folds": 1, "patients": 50, "notes": 20, "seed": 0, "threads": 1}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the journal, what to search for, and how much."""
    parser.add_argument(
        "--journal", type=Path, required=True, metavar="F", help="keeps every trial; may exist"
    )
    parser.add_argument("--scope", default="head", help="what is trained, as in `anamnesis train`")
    parser.add_argument("--epsilon", type=float, default=3.0, help="the epsilon each trial trains at")
    parser.add_argument("--delta", type=float, default=1e-4)
    parser.add_argument("--trials", type=int, default=20, help="how many the journal shall hold in the end")
    parser.add_argument("--folds", type=int, default=2, help="synthetic hospitals that judge a trial")
    parser.add_argument("--patients", type=int, default=400, help="synthetic patients of each hospital")
    parser.add_argument("--notes", type=int, default=200, help="new notes that each hospital judges by")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--vault", metavar="DIR", help="refused: says what a search on its patients would cost"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Each trial is told on stderr; the best, as words for `anamnesis train`, is the result."""
    from app.workflows.plan_training import MOST_THREADS, SCOPES
    from app.workflows.search_settings import (
        SearchPlan,
        check_journal,
        refuse_private_search,
        search_settings,
        study_of,
    )

    if arguments.scope not in SCOPES:
        raise UsageError(f"--scope is one of {', '.join(SCOPES)}")
    for name, least in LEAST.items():
        if getattr(arguments, name) < least:
            raise UsageError(f"--{name} must be at least {least}")
    if arguments.threads > MOST_THREADS:
        raise UsageError(f"--threads must be at most {MOST_THREADS}")
    if not 0 < arguments.epsilon <= 100 or not 0 < arguments.delta <= 0.01:
        raise UsageError("--epsilon must lie above 0 and at most at 100, --delta above 0 and at most at 0.01")
    words = {n: getattr(arguments, n) for n in ("scope", "epsilon", "delta", *LEAST)}
    plan = SearchPlan(journal=arguments.journal, cache_dir=cache_dir(), **words)
    if arguments.vault:
        refuse_private_search(plan)
    check_journal(plan.journal)
    for outcome in search_settings(plan):
        cut = " (cut short)" if outcome.pruned else ""
        told = ", ".join(f"{name} {value:.4g}" for name, value in outcome.settings.items())
        console.progress(f"trial {outcome.number}: {outcome.value:.1%} right{cut}; {told}")
    study = study_of(plan)
    best, every = study.best(), study.outcomes()
    flags = " ".join(f"--{n.replace('_', '-')} {v:.6g}" for n, v in best.settings.items())
    value = {"best": asdict(best), "trials": [asdict(o) for o in every], "study": plan.name}
    console.result(
        value,
        f"{best.value:.1%} of new synthetic patients right, trial {best.number} of {len(every)}:\n  {flags}",
    )
    return 0
