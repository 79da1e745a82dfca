"""How a run is asked to stop: at once, or after the block under way, whose budget is then not lost."""

from dataclasses import dataclass, field
from threading import Event


@dataclass(frozen=True, slots=True)
class StopWish:
    """Both may be set at any time, from any thread; `after_block` may be taken back."""

    at_once: Event = field(default_factory=Event)
    after_block: Event = field(default_factory=Event)

    def is_set(self) -> bool:
        """Whether no further block shall begin."""
        return self.at_once.is_set() or self.after_block.is_set()
