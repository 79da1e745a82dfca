"""Runs a model on several things at once, each in a thread of its own.

One window keeps one core busy and shares nothing with the next; a window cut among cores has them wait for
each other at each of its three hundred steps.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(read: Callable[[T], R], things: Iterable[T], *, workers: int) -> Iterator[tuple[T, R]]:
    """Each thing with what `read` gives for it, as they are done; things are taken up as workers come free.

    Whoever stops early waits for nothing: what is under way ends by itself, and is dropped.
    """
    ahead = iter(things)
    if workers == 1:
        yield from ((thing, read(thing)) for thing in ahead)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        under_way = {pool.submit(read, thing): thing for thing in islice(ahead, workers)}
        while under_way:
            for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                thing = under_way.pop(done)
                under_way |= {pool.submit(read, another): another for another in islice(ahead, 1)}
                yield thing, done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
