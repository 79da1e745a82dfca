"""A resumable search for training settings, by Optuna's tree-structured Parzen estimator.

Each trial is judged fold by fold; one that is worse than the median of the others after a fold is cut
short. Every answer is written to a journal at once, so a search that was killed goes on where it stood.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from ml.errors import SearchDisturbed

Settings = dict[str, float]
Judge = Callable[[Settings, int], float]  # (settings, fold) to a value: larger is better
_STARTUP_TRIALS = 4


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`; `log` where the order of magnitude is what matters, `whole` for counts."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """One trial: its settings, its mean value over the folds it was given, and whether it was cut short."""

    number: int
    settings: Settings
    value: float
    folds: int
    pruned: bool


class SettingsSearch:
    """A study in a journal file; its name says what is searched, so that two never mix."""

    def __init__(self, journal: Path, name: str, space: dict[str, Range], *, seed: int = 0):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        _drop_cut_line(journal)
        self._space = space
        self._study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal))),
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            pruner=MedianPruner(n_startup_trials=_STARTUP_TRIALS, n_warmup_steps=0),
        )
        fresh = np.random.SeedSequence([seed, len(self._study.trials)])  # or it would draw the same again
        drawn = int(fresh.generate_state(1)[0])
        self._study.sampler = TPESampler(seed=drawn, n_startup_trials=_STARTUP_TRIALS)

    def run(self, judge: Judge, *, trials: int, folds: int, first: Settings) -> Iterator[TrialOutcome]:
        """Yield each new outcome until the study holds `trials`; a study without one tries `first` first.

        Raises SearchDisturbed where another process searches in the same journal.
        """
        for left in self._study.get_trials(states=(TrialState.RUNNING,)):
            self._study.tell(left.number, state=TrialState.FAIL)  # its process was killed
        if not self.outcomes() and not self._study.get_trials(states=(TrialState.WAITING,)):
            self._study.enqueue_trial(dict(first))
        while len(self.outcomes()) < trials:
            yield self._one(judge, folds)

    def outcomes(self) -> tuple[TrialOutcome, ...]:
        """All that are judged, in the order of their trials."""
        ended = self._study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
        return tuple(_outcome(trial) for trial in ended)

    def best(self) -> TrialOutcome:
        """The best trial that was judged on every fold."""
        return max((o for o in self.outcomes() if not o.pruned), key=lambda o: o.value)

    def _one(self, judge: Judge, folds: int) -> TrialOutcome:
        trial = self._study.ask()
        settings = {name: _suggest(trial, name, span) for name, span in self._space.items()}
        values: list[float] = []
        for fold in range(folds):
            values.append(judge(settings, fold))
            self._must_be_running(trial.number)
            trial.report(sum(values) / len(values), fold)
            if fold + 1 < folds and trial.should_prune():
                return _outcome(self._study.tell(trial, state=TrialState.PRUNED))
        return _outcome(self._study.tell(trial, sum(values) / len(values)))

    def _must_be_running(self, number: int) -> None:
        if number not in {trial.number for trial in self._study.get_trials(states=(TrialState.RUNNING,))}:
            raise SearchDisturbed(
                "another search has gone on in this journal and taken this trial for one that was killed; "
                "search in one process at a time, or name another journal"
            )


def _drop_cut_line(journal: Path) -> None:
    """Take away what a kill in the middle of a line left: nothing can be written after it."""
    if not journal.exists():
        return
    with journal.open("rb+") as stream:
        kept = stream.read()
        if not kept.endswith(b"\n"):
            stream.truncate(kept.rfind(b"\n") + 1)


def _suggest(trial: optuna.Trial, name: str, span: Range) -> float:
    if span.whole:
        return trial.suggest_int(name, int(span.low), int(span.high), log=span.log)
    return trial.suggest_float(name, span.low, span.high, log=span.log)


def _outcome(trial: optuna.trial.FrozenTrial) -> TrialOutcome:
    reports = trial.intermediate_values
    value = reports[max(reports)] if reports else float("nan")
    return TrialOutcome(
        trial.number, dict(trial.params), value, len(reports), trial.state == TrialState.PRUNED
    )
