"""The processor pads windows and patients and goes through them in groups, as for a card."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps

import pytest

from ml.training import attention_rooms, segments

ALL_TOGETHER, SEVERAL_GROUPS = 1 << 12, 0  # padded rows from which a group may be cut


@contextmanager
def grouped(few_rows: int = SEVERAL_GROUPS) -> Iterator[None]:
    """While it lasts, whatever the device."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "in_groups", lambda _device: True)
        patch.setattr(segments, "FEW_ROWS", few_rows)
        patch.setattr(attention_rooms, "FEW_ROWS", few_rows)
        yield


def in_groups(check: Callable[[], None]) -> Callable[[], None]:
    """A check that runs so, under a name of its own."""

    @wraps(check)
    def run() -> None:
        with grouped():
            check()

    run.__name__ = f"{check.__name__}_in_groups"
    return run
