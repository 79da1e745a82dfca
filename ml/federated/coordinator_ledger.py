"""What a coordinator remembers, so that no update counts twice: a value, kept in a small JSON file."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from ml.errors import UpdateRefused
from ml.federated.update_file import VerifiedUpdate
from ml.frames import UNDECODABLE


@dataclass(frozen=True, slots=True)
class SeenUpdate:
    """One statement that was received, and whether it has entered a base."""

    digest: str
    site: str
    round: int
    aggregated: bool = False


@dataclass(frozen=True, slots=True)
class CoordinatorLedger:
    """Every update seen so far; a site has one update a round."""

    seen: tuple[SeenUpdate, ...] = ()

    @classmethod
    def from_bytes(cls, data: bytes) -> "CoordinatorLedger":
        """Read the file's bytes; refuses what is not a ledger."""
        try:
            return msgspec.json.decode(data, type=cls)
        except UNDECODABLE:
            raise UpdateRefused(
                "the ledger of received updates can't be read; restore it, or replays can't be seen"
            ) from None

    def to_bytes(self) -> bytes:
        """One entry a line, for people who look at it."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def with_received(self, update: VerifiedUpdate) -> "CoordinatorLedger":
        """Remember a file that has come in. Refuses one that came before, or a second of its round."""
        self.check_new(update, received_counts=True)
        return replace(self, seen=(*self.seen, _seen(update)))

    def with_aggregated(self, updates: Iterable[VerifiedUpdate]) -> "CoordinatorLedger":
        """Remember what has entered a base. Refuses what has entered one before."""
        entering = tuple(updates)
        for update in entering:
            self.check_new(update)
        digests = {update.digest for update in entering}
        others = tuple(entry for entry in self.seen if entry.digest not in digests)
        return replace(self, seen=(*others, *(replace(_seen(u), aggregated=True) for u in entering)))

    def check_new(self, update: VerifiedUpdate, *, received_counts: bool = False) -> None:
        """Refuse a replay; with `received_counts`, also what was received and not yet aggregated."""
        for entry in self.seen:
            if entry.digest == update.digest and (entry.aggregated or received_counts):
                done = "aggregated" if entry.aggregated else "received"
                raise UpdateRefused(f"this update was {done} before (a replay); leave it out")
            same_place = (entry.site, entry.round) == (update.statement.site, update.statement.round)
            if same_place and entry.digest != update.digest:
                raise UpdateRefused(
                    f"the site {entry.site} sent another update of round {entry.round}; ask which one counts"
                )


def _seen(update: VerifiedUpdate) -> SeenUpdate:
    return SeenUpdate(update.digest, update.statement.site, update.statement.round)
