"""A base file is readable by all, believed only when the coordinator signed it."""

from dataclasses import replace

import numpy as np
import pytest

from ml.errors import UpdateRefused
from ml.federated.aggregation import AggregationPlan, aggregate
from ml.federated.base_file import read_base, write_base
from ml.federated.base_version import changed_from, moved_by
from ml.federated.coordinator import new_coordinator, read_coordinator
from ml.federated.keys import public_text, read_public_key, read_recipient
from ml.federated.payload import write_payload
from ml.federated.update_file import write_update
from tests.ml.federated.small_federation import (
    CLAIM,
    DESK,
    OFFICER,
    SITE,
    base,
    coordinator,
    some_delta,
    statement,
    verified,
)


def made() -> bytes:
    updates = [verified("a", some_delta(1)), verified("b", some_delta(2))]
    said, moved, _ = aggregate(updates, base(), AggregationPlan())
    return write_base(said, moved, private_key=DESK)


def test_a_base_comes_back_with_its_tensors_and_a_name_by_content() -> None:
    file = read_base(made(), coordinator_key=coordinator().public_key)
    assert file.statement.base == base().base_id
    assert list(file.tensors) == ["head.bias", "head.weight"]
    assert file.base_id not in ("", base().base_id)
    assert file.base_id == read_base(made(), coordinator_key=None).base_id


@pytest.mark.slow
def test_every_altered_byte_of_a_base_is_refused() -> None:
    data, rng = made(), np.random.default_rng(3)
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(UpdateRefused):
            read_base(bytes(altered), coordinator_key=coordinator().public_key)


def test_a_base_signed_by_somebody_else_is_refused() -> None:
    with pytest.raises(UpdateRefused, match="not signed by the coordinator"):
        read_base(made(), coordinator_key=public_text(SITE))


def test_an_update_is_no_base() -> None:
    update = write_update(
        statement(), write_payload(some_delta()), site_private=SITE, officer_private=OFFICER
    )
    with pytest.raises(UpdateRefused, match="kind of file"):
        read_base(update, coordinator_key=None)


def test_a_base_that_says_what_no_base_can_is_not_written() -> None:
    said, moved, _ = aggregate(
        [verified("a", some_delta(1)), verified("b", some_delta(2))], base(), AggregationPlan()
    )
    for wrong in (
        replace(said, method="My Own"),
        replace(said, updates=said.updates[::-1]),
        replace(said, round=0),
        replace(said, epsilon=-1.0),
        replace(said, delta=1.5),
    ):
        with pytest.raises(UpdateRefused, match="range"):
            write_base(wrong, moved, private_key=DESK)


def test_a_delta_added_to_its_base_gives_the_version_back() -> None:
    start, delta = base(), some_delta(5)
    moved = moved_by(start, delta)
    again = changed_from(start, moved)
    for name in delta:
        np.testing.assert_allclose(again[name], delta[name], atol=1e-6)
    assert changed_from(start, start.own) == {}


def test_only_tensors_in_which_a_value_changed_are_named() -> None:
    start = base()
    new = start.own | {"head.bias": start.own["head.bias"] + np.float32(1)}
    assert list(changed_from(start, new)) == ["head.bias"]
    with pytest.raises(UpdateRefused, match="not the base's"):
        changed_from(start, {"head.extra": np.ones(2, np.float32)})


def test_a_coordinators_keys_come_back_and_show_no_secret() -> None:
    fresh = new_coordinator()
    assert read_coordinator(fresh.to_text()) == fresh
    assert fresh.identity not in repr(fresh)
    assert fresh.private_key.hex() not in repr(fresh)
    for text in (
        "",
        "identity = 3",
        'identity = "x"\nprivate_key = "00"',
        fresh.to_text().replace("AGE", "AGF"),
    ):
        with pytest.raises(UpdateRefused):
            read_coordinator(text)


@pytest.mark.parametrize(
    "text", ["", "ed25519:", "ed25519:" + "0" * 63, "rsa:" + "0" * 64, "ed25519:" + "G" * 64]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(UpdateRefused, match="no public key"):
        read_public_key(text)


def test_what_is_no_recipient_is_refused() -> None:
    with pytest.raises(UpdateRefused, match="no age recipient"):
        read_recipient("age1nobody")


def test_an_update_without_a_promise_is_not_written() -> None:
    with pytest.raises(UpdateRefused, match="epsilon 0"):
        write_update(
            statement(privacy=replace(CLAIM, epsilon=0.0)),
            write_payload(some_delta()),
            site_private=SITE,
            officer_private=OFFICER,
        )
