"""What the trainer says of its plan and its speed."""

from dataclasses import replace

import pytest

from tests.ml.training.trainer_checks import JOB, converse

pytestmark = pytest.mark.slow


def test_a_target_out_of_reach_is_blamed_on_the_ledger_only_where_it_holds_something() -> None:
    hopeless = replace(JOB, target_epsilon=0.0005, steps=1000)
    for history, blamed in (((), "over 1000 steps by any noise"), (JOB.history, "ledger holds already")):
        _, (refused,) = converse(replace(hopeless, history=history), 0)
        assert refused["kind"] == "refused"
        assert blamed in refused["reason"]
