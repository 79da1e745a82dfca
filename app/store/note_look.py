"""Reads the newest notes that hold what is asked for, and stops where a search has cost what it may.

FTS5 gives no row back before it has found one, however far that is; so the database is asked to stop while
it reads. What it has found by then stands, newest first, and that it stopped is kept.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from app.store.session import Session

Stop = Callable[[], bool]
RANKED = 2_000
MAY_COST_S = 0.036  # of the processor; ranking and reading what is shown come after it
COUNTS = "AND +rowid NOT IN (SELECT number FROM note_in_error)"
WORDS = re.compile("(?:[^\\W_]|[\u0300-\u036f])+")  # as the index parts them, with the accents after a letter
_QUOTED = re.compile('"([^"]*)"')
_FEW = 200  # notes that are asked about one by one, 40 us each: as much as a walk along 500 of a word


def allowance(seconds: float, clock: Callable[[], float] = time.thread_time) -> Stop:
    """Tells when the thread has worked so long: of the processor, so that a busy machine takes nothing."""
    ends = clock() + seconds
    return lambda: clock() > ends


class NoteLook:
    """One search of one vault; `cut` tells that older notes were not looked at."""

    def __init__(self, session: Session, stop: Stop):
        self.session = session
        self.cut = False
        self._stop = stop

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows that were found before the search had to stop."""
        found, whole = self.session.rows_until(sql, parameters, stop=self._stop)
        self.cut = self.cut or not whole
        return found

    def newest(self, terms: Sequence[str], pairs: str, most: int | None = None) -> list[int]:
        """Numbers of the newest notes with all terms and pairs; `RANKED` where nothing else is said."""
        asked, most = " ".join(terms), RANKED if most is None else most
        if pairs:
            return self._newest_of_both(asked, pairs, most)
        rows = self.rows(
            f"SELECT rowid FROM note_search WHERE note_search MATCH ? {COUNTS} ORDER BY rowid DESC LIMIT ?",
            (asked, most),
        )
        return [row[0] for row in rows]

    def _newest_of_both(self, asked: str, pairs: str, most: int) -> list[int]:
        """The newest hits in both indexes: each of few is asked about, else two lists are merged as read."""
        sides = (("note_pairs", pairs), ("note_search", asked))
        for (few_in, few), other in (sides, sides[::-1]):
            if not _has_phrase(other[1]):
                numbers = self._few(few_in, few)
                if len(numbers) < _FEW:
                    return self._those_of(numbers, *other)[:most]
        rows = self.rows(
            f"""SELECT rowid FROM note_search WHERE note_search MATCH ? INTERSECT
                SELECT rowid FROM note_pairs WHERE note_pairs MATCH ? {COUNTS} ORDER BY 1 DESC LIMIT ?""",
            (asked, pairs, most),
        )
        return [row[0] for row in rows]

    def _few(self, index: str, asked: str) -> list[int]:
        rows = self.rows(
            f"SELECT rowid FROM {index} WHERE {index} MATCH ? ORDER BY rowid DESC LIMIT ?", (asked, _FEW)
        )
        return [row[0] for row in rows]

    def _those_of(self, numbers: Sequence[int], index: str, asked: str) -> list[int]:
        """Those of the notes that count and hold what is asked for, newest first."""
        rows = self.rows(
            f"""SELECT value FROM json_each(?) WHERE value NOT IN (SELECT number FROM note_in_error)
                AND EXISTS (SELECT 1 FROM {index} WHERE {index} MATCH ? AND rowid = value)""",
            (json.dumps(numbers), asked),
        )
        return sorted((row[0] for row in rows), reverse=True)


def _has_phrase(asked: str) -> bool:
    """Whether FTS5, asked about one note that lacks a phrase, would walk on to the next that has it."""
    return any(len(WORDS.findall(term)) > 1 for term in _QUOTED.findall(asked))
