"""The first phase of a change of key in one call, as tests want it."""

from collections.abc import Mapping
from types import MappingProxyType

from app.store.rekey import KeyChange, rekey_steps
from app.store.vault import Vault

NOBODY: Mapping[str, str] = MappingProxyType({})


def prepare_rekey(vault: Vault, *, passphrase: str, keep: Mapping[str, str] = NOBODY) -> KeyChange:
    """Every step, nobody asked; raises what `rekey_steps` raises."""
    steps = rekey_steps(vault, passphrase=passphrase, keep=keep)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            change: KeyChange = done.value
            return change
