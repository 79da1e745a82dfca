"""Watches a function that is really called: what it was given, call by call."""

from typing import Any

import pytest


def watch(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[tuple[Any, ...]]:
    """The positional arguments of each call of `owner.name` from now on."""
    calls: list[tuple[Any, ...]] = []
    really = getattr(owner, name)

    def watched(*given: Any, **named: Any) -> Any:
        calls.append(given)
        return really(*given, **named)

    monkeypatch.setattr(owner, name, watched)
    return calls
