"""Puts the newest hits in order, best first, by their rarer words: BM25 walks through each hit of a word."""

import json
from collections.abc import Iterator, Sequence
from math import ceil

from app.store.note_look import RANKED, WORDS
from app.store.session import Session

_COMMON, _COUNTED, _MOST_TERMS = 20_000, 60_000, 16
_FEW = 3  # words; of more, the rare ones alone rank
_RARE = ((1_000, 2), (4_000, 1))  # entries, and how many words with fewer are enough


def ranked(session: Session, terms: Sequence[str], newest: Sequence[int]) -> list[int]:
    """Best first; newest first where every word is common."""
    whole = terms if len(terms) == 1 and len(newest) < RANKED else [t for t in terms if t[-1] != "*"]
    rare = _rarest(session, whole) if len(terms) <= _MOST_TERMS and len(newest) > 1 else []
    if not rare:
        return list(newest)
    rows = session.rows(
        """SELECT rowid FROM note_search
           WHERE note_search MATCH ? AND rowid >= ? AND +rowid IN (SELECT value FROM json_each(?))
           ORDER BY bm25(note_search), rowid DESC""",
        (" ".join(rare), newest[-1], json.dumps(newest)),
    )
    return [row[0] for row in rows]


def _rarest(session: Session, terms: Sequence[str]) -> list[str]:
    """As many words and phrases as make BM25 read fewer than `_COMMON` entries of the index together."""
    rarest, left = list[str](), _COMMON
    for entries, term in sorted(_counted(session, terms)):
        left -= entries
        if left <= 0:
            break
        rarest.append(term)
    return rarest


def _counted(session: Session, terms: Sequence[str]) -> list[tuple[int, str]]:
    """How many entries the terms have that are not too common; of many terms the rare ones will do."""
    rare, left = list[tuple[int, str]](), terms
    for most, enough in _stages(len(terms)):
        counted = [(_entries(session, term, most), term) for term in left]
        rare += [found for found in counted if found[0] < most]
        if len(rare) >= enough:
            break
        left = [term for entries, term in counted if entries >= most]
    return rare


def _stages(terms: int) -> Iterator[tuple[int, int]]:
    """Up to how many entries to count each term, and with how many rare terms to end."""
    last = min(_COMMON, _COUNTED // max(terms, 1))
    yield from (stage for stage in _RARE if terms > _FEW and stage[0] < last)
    yield last, 0


def _entries(session: Session, term: str, most: int) -> int:
    """How many entries BM25 would read for a term, counted up to `most`: a phrase's by its rarest word."""
    words = WORDS.findall(term)
    if len(words) < 2:
        return _hits(session, term, most)
    each, star = ceil(most / len(words)), "*" if term[-1] == "*" else ""
    parts = [*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"{star}']
    return len(words) * min(_hits(session, part, each) for part in parts)


def _hits(session: Session, term: str, most: int) -> int:
    rows = session.rows(
        "SELECT count(*) FROM (SELECT 1 FROM note_search WHERE note_search MATCH ? LIMIT ?)", (term, most)
    )
    return int(rows[0][0])
