"""A search improves on where it began, goes on where it was stopped, and cuts bad trials short."""

from pathlib import Path

import pytest

from ml.errors import SearchDisturbed
from ml.search.settings_search import Range, Settings, SettingsSearch

pytestmark = pytest.mark.slow
SPACE = {"learning_rate": Range(1e-4, 1.0, log=True), "steps": Range(10, 100, whole=True)}
FIRST: Settings = {"learning_rate": 1e-4, "steps": 10}


def judge(settings: Settings, fold: int) -> float:
    """Best at 0.1 and 60 steps; the folds differ a little."""
    return -abs(settings["steps"] - 60) / 60 - abs(settings["learning_rate"] - 0.1) - fold / 1000


def search(folder: Path) -> SettingsSearch:
    return SettingsSearch(folder / "journal", "head", SPACE)


def test_a_search_finds_better_settings_than_it_began_with(tmp_path: Path) -> None:
    outcomes = list(search(tmp_path).run(judge, trials=20, folds=2, first=FIRST))
    assert outcomes[0].settings == FIRST
    best = search(tmp_path).best()
    assert best.value > outcomes[0].value + 0.5
    assert isinstance(best.settings["steps"], int)
    cut = [o for o in outcomes if o.pruned]
    assert cut
    assert {o.folds for o in cut} == {1}
    assert max(o.value for o in cut) < best.value


def test_a_killed_search_goes_on_and_judges_nothing_twice(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    asked: list[float] = []

    def dies(settings: Settings, fold: int) -> float:
        asked.append(settings["learning_rate"])
        if len(asked) == 6:
            raise Killed
        return judge(settings, fold)

    with pytest.raises(Killed):
        list(search(tmp_path).run(dies, trials=8, folds=2, first=FIRST))
    before = search(tmp_path).outcomes()
    assert len(before) == 2
    new = list(search(tmp_path).run(judge, trials=8, folds=2, first=FIRST))
    assert search(tmp_path).outcomes()[:2] == before
    assert len(new) == 6
    assert len(search(tmp_path).outcomes()) == 8
    assert FIRST not in [o.settings for o in new]
    assert list(search(tmp_path).run(judge, trials=8, folds=2, first=FIRST)) == []


class Killed(Exception):
    """A process that ends in the middle of a trial."""


def killed_at_once(_settings: Settings, _fold: int) -> float:
    raise Killed


def test_a_search_that_goes_on_does_not_try_the_same_settings_again(tmp_path: Path) -> None:
    tried: list[tuple[tuple[str, float], ...]] = []
    for trials in (2, 3, 4):
        found = search(tmp_path).run(judge, trials=trials, folds=1, first=FIRST)
        tried += [tuple(sorted(outcome.settings.items())) for outcome in found]
    assert len(set(tried)) == len(tried) == 4


def test_a_search_killed_in_its_first_trial_still_judges_the_usual_settings(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(Killed):
            list(search(tmp_path).run(killed_at_once, trials=2, folds=1, first=FIRST))
    found = search(tmp_path).run(judge, trials=2, folds=1, first=FIRST)
    assert [outcome.settings == FIRST for outcome in found] == [True, False]


def test_a_line_that_a_kill_cut_does_not_spoil_the_journal(tmp_path: Path) -> None:
    list(search(tmp_path).run(judge, trials=2, folds=1, first=FIRST))
    journal = tmp_path / "journal"
    journal.write_bytes(journal.read_bytes()[:-10])
    list(search(tmp_path).run(judge, trials=3, folds=1, first=FIRST))
    assert len(search(tmp_path).outcomes()) == 3


def test_two_searches_in_one_journal_are_told_of_each_other(tmp_path: Path) -> None:
    def another_begins(settings: Settings, fold: int) -> float:
        next(search(tmp_path).run(judge, trials=9, folds=1, first=FIRST))
        return judge(settings, fold)

    with pytest.raises(SearchDisturbed, match="one process at a time"):
        next(search(tmp_path).run(another_begins, trials=2, folds=1, first=FIRST))
