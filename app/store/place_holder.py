"""Who holds a vault's writer's place, as its process says itself, for those who find the place taken.

It stands in the clear in `writer.lock` while the place is held. It is a courtesy, not a proof: a file of
another form says nothing, and what it says is shown only as far as it can be printed.
"""

import os
import platform
import re
import sys
from dataclasses import dataclass
from datetime import datetime

import msgspec

_MOST_BYTES, _MOST_TOLD = 4000, 200


@dataclass(frozen=True, slots=True)
class PlaceHolder:
    """A process: what it does, for whom, since when (ISO 8601 UTC), and where."""

    deed: str
    user: str
    since: str
    pid: int
    machine: str

    @classmethod
    def this_process(cls, words: list[str], *, user: str, since: str) -> "PlaceHolder":
        """The process that was started by these words (`sys.argv`); without a verb it is a window."""
        verb = words[1] if len(words) > 1 else ""
        known = re.fullmatch("[a-z]+(-[a-z]+)*", verb)
        return cls(f"`anamnesis {verb}`" if known else "a window", user, since, os.getpid(), platform.node())

    def to_bytes(self) -> bytes:
        """One line of JSON."""
        return msgspec.json.encode(self) + b"\n"

    def may_live(self) -> bool:
        """Whether the process may still be there: one that was killed could not take its words back."""
        if sys.platform == "win32" or self.machine != platform.node():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True  # another account's
        return True

    def told(self) -> str:
        """For a message: in local time, and the machine where it is another one."""
        at = datetime.fromisoformat(self.since).astimezone()
        day = "" if at.date() == datetime.now().astimezone().date() else f"{at:%Y-%m-%d} "
        where = "" if self.machine == platform.node() else f" on {self.machine}"
        text = f"{self.deed} of {self.user} since {day}{at:%H:%M}, process {self.pid}{where}"
        return "".join(letter for letter in text if letter.isprintable())[:_MOST_TOLD]


def read_holder(handle: int) -> PlaceHolder | None:
    """Who the file says holds the place; None where it says nothing that is understood, or of the dead."""
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        holder = msgspec.json.decode(os.read(handle, _MOST_BYTES), type=PlaceHolder)
        return holder if holder.told() and holder.may_live() else None
    except (OSError, msgspec.MsgspecError, ValueError, OverflowError):
        return None  # times and numbers that no machine has are nothing understood
