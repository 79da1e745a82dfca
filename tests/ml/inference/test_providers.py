"""How many threads a session may take: what a person has set, where it is a number."""

import pytest

from ml.inference.providers import _thread_limit


@pytest.mark.parametrize(("said", "limit"), [("3", 3), ("", 0), ("4,2", 0), ("²", 0)])
def test_a_limit_of_threads_is_obeyed_where_it_is_a_number(
    said: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert _thread_limit() == limit
