"""Goes back to the model version that was current before, or to a named one."""

from app.config.policy import Policy
from app.errors import ModelUnavailable
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.list_models import model_store
from app.workflows.promote_model import must_have_passed, was_in_use
from app.workflows.use_model import use_model
from ml.registry.model_store import ModelStore
from ml.registry.model_version import ModelVersion
from ml.registry.starting_model import starting_version


def roll_back(vault: Vault, *, at: str, to: str | None = None, policy: Policy | None = None) -> ModelVersion:
    """Make an earlier version current again; the version left stays kept.

    `to` is the beginning of a version's name, or `starting`; by default the version before. A version
    that was never in use must have passed the policy's gates.
    """
    vault.require(Right.TRAIN)
    store, start = model_store(vault), starting_version().version
    target = _previous(store) if to is None else _named(store, to, start.version_id)
    version = start if target is None else store.describe(target)
    if target is not None and not was_in_use(store, target):
        must_have_passed(vault, target, policy or Policy())
    use_model(vault, target, at=at, reason="roll back", action="model.roll_back")
    return version


def _named(store: ModelStore, to: str, start_id: str) -> str | None:
    if to == "starting" or (to and start_id.startswith(to)):
        return None
    return store.find(to)


def _previous(store: ModelStore) -> str | None:
    """What a stack of moves holds under the current version; roll-backs pop it."""
    stack: list[str | None] = [None]
    for move in store.pointer().history:
        target = move.version_id or None
        if move.reason == "roll back" and target in stack:
            del stack[len(stack) - stack[::-1].index(target) :]
        elif stack[-1] != target:
            stack.append(target)
    if len(stack) == 1:
        raise ModelUnavailable("the starting model is in use; there is nothing to go back to")
    return stack[-2]
