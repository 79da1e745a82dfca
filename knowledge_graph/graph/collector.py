"""Keeps Python's cycle collector from looking through what is being loaded."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Without the cycle collector: with it, building takes twice as long, and nothing here is garbage.

    What was made counts as old afterwards, so that the next collection of what is young does not walk
    through all of it; a full collection does.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not gc.get_freeze_count():  # else somebody keeps things frozen, and `unfreeze` is theirs
                gc.freeze()
                gc.unfreeze()  # into the oldest generation; neither looks at an object
            gc.enable()
