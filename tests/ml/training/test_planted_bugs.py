"""Each known way to break differential privacy, planted into the real code, is caught by a check.

Without a bug every check passes; with one, at least one fails. A bug that no check catches is a hole in the
suite, not in the program.
"""

import pytest
from dp_checks import MECHANISM_CHECKS
from planted_bugs import BUGS
from trainer_checks import CONVERSATION_CHECKS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]
CHECKS = (*MECHANISM_CHECKS, *CONVERSATION_CHECKS)


def caught_by() -> str:
    """The first check that fails with what is planted now; empty where none does."""
    for check in CHECKS:
        try:
            check()
        except AssertionError:
            return check.__name__
    return ""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_without_a_bug_every_check_passes(check: object) -> None:
    assert callable(check)
    check()


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        BUGS[name](patch)
        caught = caught_by()
    assert caught, f"no check noticed: {name}"
