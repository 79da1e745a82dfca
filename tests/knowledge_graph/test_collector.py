"""While things are loaded the cycle collector rests; afterwards it works as before."""

import gc
import weakref

from knowledge_graph.graph.collector import collector_at_rest


class Knot:
    """Holds itself: only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_the_collector_rests_and_wakes_even_after_an_error() -> None:
    try:
        with collector_at_rest():
            assert not gc.isenabled()
            with collector_at_rest():
                pass
            assert not gc.isenabled()
            raise ValueError
    except ValueError:
        assert gc.isenabled()


def test_what_was_made_at_rest_is_old_and_freed_by_a_full_collection() -> None:
    with collector_at_rest():
        knot = Knot()
        kept = [{"made": [number]} for number in range(2000)]
    assert not any(thing is kept for thing in gc.get_objects(generation=0))
    assert any(thing is kept for thing in gc.get_objects(generation=2))
    assert gc.get_freeze_count() == 0
    there = weakref.ref(knot)
    del knot
    gc.collect()
    assert there() is None


def test_a_collector_that_was_off_stays_off_and_what_is_frozen_frozen() -> None:
    gc.disable()
    try:
        with collector_at_rest():
            pass
        assert not gc.isenabled()
        gc.enable()
        gc.freeze()
        frozen = gc.get_freeze_count()
        with collector_at_rest():
            pass
        assert gc.get_freeze_count() >= frozen > 0
    finally:
        gc.unfreeze()
        gc.enable()
