"""Things are read once each, so many at a time, and nobody who stops early waits for the rest."""

from collections.abc import Iterator
from threading import Barrier, Event, Lock

import pytest

from ml.inference.providers import MOST_WORKERS, worker_count
from ml.inference.side_by_side import side_by_side


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_each_thing_is_read_once_and_given_back_with_its_own(workers: int, count: int) -> None:
    found = list(side_by_side(lambda number: number * number, range(count), workers=workers))
    assert sorted(found) == [(number, number * number) for number in range(count)]


def test_workers_read_at_the_same_time() -> None:
    together = Barrier(3, timeout=30)  # holds each until three are there
    found = list(side_by_side(lambda _: together.wait(), range(6), workers=3))
    assert sorted(place for _, place in found) == [0, 0, 1, 1, 2, 2]


def test_no_more_are_taken_up_than_there_are_workers() -> None:
    lock, taken, most = Lock(), 0, 0

    def things() -> Iterator[int]:
        nonlocal taken, most
        for number in range(20):
            with lock:
                taken += 1
                most = max(most, taken)
            yield number

    for _ in side_by_side(lambda number: number, things(), workers=4):
        with lock:
            taken -= 1
    assert most <= 5


def test_who_stops_early_waits_for_nothing() -> None:
    go_on, read = Event(), list[int]()

    def slow(number: int) -> int:
        if number:
            assert go_on.wait(timeout=30)
        read.append(number)
        return number

    begun = side_by_side(slow, range(9), workers=2)
    assert next(begun) == (0, 0)
    begun.close()  # type: ignore[attr-defined]
    assert read == [0]
    go_on.set()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_fault_is_not_swallowed(workers: int) -> None:
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda number: 1 // number, [2, 1, 0, 1], workers=workers))


def test_a_person_says_how_many_workers_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert worker_count() == 3
    assert worker_count(2) == 2
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= worker_count() <= MOST_WORKERS
