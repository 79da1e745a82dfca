"""A search improves on where it began, goes on where it was stopped, and cuts bad trials short."""

from pathlib import Path

import pytest

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
