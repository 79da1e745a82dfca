"""No update counts twice, and a site has one update a round."""

from dataclasses import replace

import pytest

from ml.errors import UpdateRefused
from ml.federated.coordinator_ledger import CoordinatorLedger
from tests.ml.federated.small_federation import some_delta, verified

NORTH, SOUTH = verified("north", some_delta(1)), verified("south", some_delta(2))


def test_a_file_that_comes_in_twice_is_a_replay() -> None:
    ledger = CoordinatorLedger().with_received(NORTH)
    with pytest.raises(UpdateRefused, match="received before"):
        ledger.with_received(NORTH)
    assert len(ledger.with_received(SOUTH).seen) == 2


def test_what_was_received_can_be_aggregated_once() -> None:
    used = CoordinatorLedger().with_received(NORTH).with_aggregated([NORTH, SOUTH])
    for again in (used.with_received, lambda u: used.with_aggregated([u])):
        with pytest.raises(UpdateRefused, match="aggregated before"):
            again(NORTH)


def test_another_update_of_the_same_site_and_round_is_refused() -> None:
    ledger = CoordinatorLedger().with_received(NORTH)
    with pytest.raises(UpdateRefused, match="another update of round 1"):
        ledger.with_received(replace(NORTH, digest="f" * 64))


def test_the_next_round_of_the_same_site_is_welcome() -> None:
    later = replace(NORTH, digest="e" * 64, statement=replace(NORTH.statement, round=2))
    assert len(CoordinatorLedger().with_aggregated([NORTH]).with_received(later).seen) == 2


def test_a_ledger_comes_back_from_its_file_and_an_altered_one_is_refused() -> None:
    ledger = CoordinatorLedger().with_received(NORTH).with_aggregated([SOUTH])
    assert CoordinatorLedger.from_bytes(ledger.to_bytes()) == ledger
    with pytest.raises(UpdateRefused, match="restore it"):
        CoordinatorLedger.from_bytes(ledger.to_bytes()[:-4])
