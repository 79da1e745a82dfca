"""A seeded slice of fuzzing: whatever a foreign file holds, its reader gives a value or one refusal."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.app.exchange.hostile_seeds import CANARY
from tests.fuzz.engines import Findings, fuzz_seeded, mutated
from tests.fuzz.seeds import seeds_of
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.slow
SEEDS = {target: seeds_of(target) for target in TARGETS}
turns = st.integers(min_value=0, max_value=1 << 48)
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize("target", sorted(TARGETS))
@given(turn=turns, data=st.binary(max_size=80))
@quick
def test_spoilt_files_and_any_bytes_end_in_a_value_or_a_refusal(target: str, turn: int, data: bytes) -> None:
    dice = random.Random(turn)
    TARGETS[target](mutated(dice.choice(SEEDS[target]), dice))
    TARGETS[target](data)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_seeds_themselves_and_a_seeded_run_find_nothing(target: str) -> None:
    findings = Findings(target)
    for data in SEEDS[target][:40]:
        findings.run(data)
    fuzz_seeded(findings, SEEDS[target], runs=120, seed=7)
    assert findings.kinds == {}
    assert findings.runs > 120


def test_a_planted_fault_is_found_and_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(data: bytes) -> None:
        assert CANARY.encode() not in data, "content"
        if data[-1:] != b"}":
            raise KeyError(data)

    monkeypatch.setitem(TARGETS, "fhir", faulty)
    findings = Findings("fhir")
    fuzz_seeded(findings, [b'{"a": 1}'], runs=500, seed=1)
    findings.run(CANARY.encode())
    assert {kind.split(" ")[0].rstrip(":") for kind in findings.kinds} == {"AssertionError", "KeyError"}
    assert len(findings.first) == len(findings.kinds) == 2


def test_a_seed_gives_the_same_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[bytes] = []
    monkeypatch.setitem(TARGETS, "json", ran.append)
    for _ in range(2):
        fuzz_seeded(Findings("json"), SEEDS["json"], runs=50, seed=3)
    assert ran[:50] == ran[50:]
    assert len(set(ran)) > 25
