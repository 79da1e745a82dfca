"""Banks of planted bugs: known ways to break a promise, each of which its tests must catch."""

from collections.abc import Callable

import pytest

Plant = Callable[[pytest.MonkeyPatch], None]


class BugBank(dict[str, Plant]):
    """Bugs by their functions' names."""

    def plant(self, bug: Plant) -> Plant:
        """Put a bug into the bank; a decorator."""
        self[bug.__name__] = bug
        return bug
