"""Each known way to break differential privacy, planted into the real code, is caught by a check.

Without a bug every check passes; with one, at least one fails. A bug that no check catches is a hole in the
suite, not in the program.
"""

from collections.abc import Callable, Sequence

import pytest

from tests.ml.training.centre_checks import CENTRE_CHECKS
from tests.ml.training.direction_checks import DIRECTION_CHECKS
from tests.ml.training.dp_checks import MECHANISM_CHECKS
from tests.ml.training.encoder_checks import ENCODER_CHECKS
from tests.ml.training.fusion_checks import FUSION_CHECKS
from tests.ml.training.planted_bugs import MECHANISM_BUGS, TRAINER_BUGS
from tests.ml.training.planted_centre_bugs import CENTRE_BUGS
from tests.ml.training.planted_direction_bugs import DIRECTION_BUGS
from tests.ml.training.planted_encoder_bugs import ENCODER_BUGS
from tests.ml.training.planted_fusion_bugs import FUSION_BUGS
from tests.ml.training.planted_group_bugs import GROUP_BUGS, GROUP_CHECKS
from tests.ml.training.trainer_checks import CONVERSATION_CHECKS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::UserWarning")]
PLANTED = (
    (MECHANISM_BUGS, MECHANISM_CHECKS),
    (CENTRE_BUGS, CENTRE_CHECKS),
    (FUSION_BUGS, FUSION_CHECKS),
    (DIRECTION_BUGS, DIRECTION_CHECKS),
    (ENCODER_BUGS, ENCODER_CHECKS),
    (GROUP_BUGS, GROUP_CHECKS),
    (TRAINER_BUGS, CONVERSATION_CHECKS),
)
CHECKS = (
    *MECHANISM_CHECKS,
    *CENTRE_CHECKS,
    *FUSION_CHECKS,
    *DIRECTION_CHECKS,
    *ENCODER_CHECKS,
    *GROUP_CHECKS,
    *CONVERSATION_CHECKS,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_without_a_bug_every_check_passes(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize(
    ("plant", "checks"),
    [pytest.param(bug, checks, id=name) for bugs, checks in PLANTED for name, bug in bugs.items()],
)
def test_a_planted_bug_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None],
    checks: Sequence[Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        plant(patch)
        assert caught_by(checks), "no check noticed"


def caught_by(checks: Sequence[Callable[[], None]]) -> str:
    """The first check that fails with what is planted now; empty where none does."""
    for check in checks:
        try:
            check()
        except AssertionError:
            return check.__name__
    return ""
