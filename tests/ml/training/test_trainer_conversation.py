"""What the trainer says of its plan and its speed."""

from dataclasses import replace
from itertools import count

import pytest

from tests.ml.training.trainer_checks import JOB, PLANNED, converse

pytestmark = pytest.mark.slow


def test_a_target_out_of_reach_is_blamed_on_the_ledger_only_where_it_holds_something() -> None:
    hopeless = replace(JOB, target_epsilon=0.0005, steps=1000)
    for history, blamed in (((), "over 1000 steps by any noise"), (JOB.history, "ledger holds already")):
        _, (refused,) = converse(replace(hopeless, history=history), 0)
        assert refused["kind"] == "refused"
        assert blamed in refused["reason"]


def test_the_speed_is_that_of_all_steps_since_the_first_grant() -> None:
    for job in (PLANNED, replace(PLANNED, resume_from=b"state", done_steps=4)):
        told = [f for f in converse(job, 3, count(step=2.0).__next__)[1] if f["kind"] == "progress"]
        assert len(told) == job.steps - job.done_steps
        assert [f["steps_per_second"] for f in told] == [0.5] * len(told)  # the clock tells 2 s for each step
