"""What the window's pages share while a vault is open; nothing of it outlives the lock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.config.policy import Policy
from app.gui.operations.runner import OperationRunner
from app.gui.theme.look import Look
from app.store.clock import Clock, system_clock
from app.store.vault import Vault


@dataclass(frozen=True)
class Surroundings:
    """What outlives a session: look, threads, policy, folders, clocks."""

    look: Look
    runner: OperationRunner
    policy: Policy
    cache_dir: Path
    settings_file: Path
    now: Clock = system_clock
    today: Callable[[], date] = date.today


@dataclass(frozen=True)
class OpenSession:
    """An open vault with its surroundings."""

    vault: Vault
    around: Surroundings

    @property
    def look(self) -> Look:
        """Theme and scale."""
        return self.around.look

    @property
    def runner(self) -> OperationRunner:
        """Where work off the window's thread goes."""
        return self.around.runner
