"""Finds notes by their words: all of them, the last one as a prefix, quoted ones as a phrase.

Only the newest hits are ranked: a word of half the notes costs no more than a rare one. What was entered in
error is not found.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

from app.clinical.ids import NoteId, PatientId
from app.store.character_pairs import phrase, runs_of, without_runs
from app.store.note_excerpt import excerpt, has_beginning
from app.store.patient_query import RECORD_NUMBER
from app.store.session import Session

RANKED = 2_000
_COMMON, _MOST_TERMS = 20_000, 16
_FEW = 3  # words; of more, the rare ones alone rank
_RARE = ((1_000, 2), (4_000, 1))  # entries, and how many words with fewer are enough
_INDEXED, _LOOKED_THROUGH, _AT_ONCE, _FIRST_PART = 3, 400, 100, 20_000
_WORD = re.compile(r"\w+")
_TERM = re.compile(r'"([^"]*)"|([^\s"]+)')
_AROUND = 40
_COUNTS = "AND +rowid NOT IN (SELECT number FROM note_in_error)"
_SHOWN = f"""note.id, note.patient_id, note.title, note.text, note.written_at, patient.name,
  {RECORD_NUMBER}"""


@dataclass(frozen=True, slots=True)
class NoteHit:
    """A note that matches a search, with the matching words between « and »; `written_at` is ISO 8601."""

    note_id: NoteId
    patient_id: PatientId
    snippet: str
    title: str
    written_at: str
    patient_name: str
    record_number: str


def search_notes(session: Session, query: str, *, limit: int) -> list[NoteHit]:
    """The best of the newest notes that hold everything asked for; nothing for a query without a word."""
    query = query.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    runs = runs_of(query) if _has_pairs(session) else []
    terms = _terms_of(without_runs(query), open_end=not (runs and query.endswith(runs[-1])))
    pairs = " ".join(phrase(run) for run in runs)
    if terms:
        return _by_words(session, terms, pairs, limit)
    return _by_pairs(session, pairs, runs, limit) if pairs else []


def _has_pairs(session: Session) -> bool:
    """Whether this vault's schema, perhaps an older one on read-only media, knows texts without spaces."""
    return bool(session.rows("SELECT 1 FROM sqlite_master WHERE name = 'note_pairs'"))


def _terms_of(text: str, *, open_end: bool) -> list[str]:
    """FTS5's own language, in which every word is quoted, so that no sign in it means anything."""
    words = [quoted or word for quoted, word in _TERM.findall(text)]
    words = [word for word in words if any(character.isalnum() for character in word)]
    words = list(dict.fromkeys(reversed(words)))[::-1]  # each once; the last is still the one being typed
    terms = [f'"{word}"' for word in words]
    typing = open_end and words and len(words[-1]) > 1 and not text.rstrip().endswith('"')
    return [*terms[:-1], terms[-1] + "*"] if typing else terms


def _by_words(session: Session, terms: list[str], pairs: str, limit: int) -> list[NoteHit]:
    if terms[-1].endswith("*"):
        terms, ordered = _being_typed(session, terms, pairs, limit)
    else:
        ordered = _ranked(session, terms, _newest(session, terms, pairs))
    numbers = ordered[:limit]
    rows = session.rows(
        f"""SELECT note.number, {_SHOWN} FROM note JOIN patient ON patient.id = note.patient_id
            WHERE note.number IN (SELECT value FROM json_each(?))""",
        (json.dumps(numbers),),
    )
    found = {row[0]: _hit(row[1:], lambda text: excerpt(text, terms)) for row in rows}
    return [found[number] for number in numbers]


def _being_typed(session: Session, terms: list[str], pairs: str, limit: int) -> tuple[list[str], list[int]]:
    """The terms, and the notes best first: with the last word as it stands, else with its beginning.

    Many words are held together by few notes: those without the last word are looked through.
    """
    start = terms[-1].strip('"*')
    if len(terms) > _FEW and start.isalnum():
        few = min(limit, _AT_ONCE)
        near = _newest(session, terms[:-1], pairs, few)
        if len(near) < few:
            return terms, _ranked(session, terms, _beginning(session, near, start))
    whole = [*terms[:-1], terms[-1].rstrip("*")]
    newest = _newest(session, whole, pairs)
    if len(newest) >= limit:
        return whole, _ranked(session, whole, newest)
    return terms, _by_beginning(session, terms, pairs, limit)


def _by_beginning(session: Session, terms: list[str], pairs: str, limit: int) -> list[int]:
    """Notes with the last word as a beginning, best first.

    The index has two and three letters ready; more of them it puts together from each word that begins so,
    for all notes. So those with the first three are looked through, if they are many the newest of them;
    what those seldom hold is rare.
    """
    start = terms[-1].strip('"*')
    if len(start) > _INDEXED and start.isalnum():
        near = _newest(session, [*terms[:-1], f'"{start[:_INDEXED]}"*'], pairs)
        if len(near) < min(limit, _AT_ONCE):
            return _ranked(session, terms, _beginning(session, near, start))
        if common := _looked_through(session, near, start, limit):
            return common
    return _ranked(session, terms, _newest(session, terms, pairs))


def _looked_through(session: Session, near: list[int], start: str, limit: int) -> list[int]:
    """Those of the notes, newest first, with a word that begins so; none where the newest seldom have one."""
    found = list[int]()
    for at in range(0, min(len(near), _LOOKED_THROUGH), _AT_ONCE):
        found += _beginning(session, near[at : at + _AT_ONCE], start)
        if len(found) >= limit:
            return found
        if len(found) * _LOOKED_THROUGH < limit * (at + _AT_ONCE):  # at this pace there won't be enough
            break
    return []


def _beginning(session: Session, numbers: list[int], start: str) -> list[int]:
    """Those of these notes with a word that begins so, newest first."""
    rows = session.rows(
        """SELECT number, title, text FROM note WHERE number IN (SELECT value FROM json_each(?))
           ORDER BY number DESC""",
        (json.dumps(numbers),),
    )
    return [number for number, title, text in rows if has_beginning(f"{title} {text}", start)]


def _newest(session: Session, terms: list[str], pairs: str, most: int | None = None) -> list[int]:
    """The newest hits, `RANKED` at most where nothing else is said."""
    asked, most = " ".join(terms), RANKED if most is None else most
    if pairs:
        return _newest_of_both(session, asked, pairs, most)
    rows = session.rows(
        f"SELECT rowid FROM note_search WHERE note_search MATCH ? {_COUNTS} ORDER BY rowid DESC LIMIT ?",
        (asked, most),
    )
    return [row[0] for row in rows]


def _newest_of_both(session: Session, asked: str, pairs: str, most: int) -> list[int]:
    """The newest hits in both indexes: part by part, each twice as long, since a part of one is made a list.

    A plus keeps SQLite from asking the index again for each row of the list.
    """
    found, high, span = list[int](), _highest(session) + 1, _FIRST_PART
    while high > 0 and len(found) < most:
        low = max(high - span, 0)
        rows = session.rows(
            f"""SELECT rowid FROM note_search
               WHERE note_search MATCH ? AND rowid >= ? AND rowid < ? {_COUNTS}
               AND +rowid IN (SELECT rowid FROM note_pairs
                              WHERE note_pairs MATCH ? AND rowid >= ? AND rowid < ?)
               ORDER BY rowid DESC LIMIT ?""",
            (asked, low, high, pairs, low, high, most - len(found)),
        )
        found += [row[0] for row in rows]
        high, span = low, 2 * span
    return found


def _highest(session: Session) -> int:
    return int(session.rows("SELECT coalesce(max(number), 0) FROM note")[0][0])


def _ranked(session: Session, terms: list[str], newest: list[int]) -> list[int]:
    """Best first, by the rarest words: BM25 walks through each hit of a word."""
    whole = terms if len(terms) == 1 and len(newest) < RANKED else [t for t in terms if t[-1] != "*"]
    rare = _rarest(session, whole) if len(terms) <= _MOST_TERMS and len(newest) > 1 else []
    if not rare:
        return newest
    rows = session.rows(
        """SELECT rowid FROM note_search
           WHERE note_search MATCH ? AND rowid >= ? AND +rowid IN (SELECT value FROM json_each(?))
           ORDER BY bm25(note_search), rowid DESC""",
        (" ".join(rare), newest[-1], json.dumps(newest)),
    )
    return [row[0] for row in rows]


def _rarest(session: Session, terms: list[str]) -> list[str]:
    """As many words and phrases as make BM25 read fewer than `_COMMON` entries of the index together."""
    rarest, left = list[str](), _COMMON
    for entries, term in sorted(_counted(session, terms)):
        left -= entries
        if left <= 0:
            break
        rarest.append(term)
    return rarest


def _counted(session: Session, terms: list[str]) -> list[tuple[int, str]]:
    """How many entries the terms have that have fewer than `_COMMON`; of many terms the rare ones will do."""
    rare, left = list[tuple[int, str]](), terms
    for most, enough in (*(_RARE if len(terms) > _FEW else ()), (_COMMON, 0)):
        counted = [(_entries(session, term, most), term) for term in left]
        rare += [found for found in counted if found[0] < most]
        if len(rare) >= enough:
            break
        left = [term for entries, term in counted if entries >= most]
    return rare


def _entries(session: Session, term: str, most: int) -> int:
    """How many entries a word has, or a phrase for all of its words; counted up to `most`."""
    words = max(len(_WORD.findall(term)), 1)
    rows = session.rows(
        "SELECT count(*) FROM (SELECT 1 FROM note_search WHERE note_search MATCH ? LIMIT ?)",
        (term, ceil(most / words)),
    )
    return words * int(rows[0][0])


def _by_pairs(session: Session, pairs: str, runs: list[str], limit: int) -> list[NoteHit]:
    rows = session.rows(
        f"""SELECT {_SHOWN} FROM note_pairs JOIN note ON note.number = note_pairs.rowid
            JOIN patient ON patient.id = note.patient_id
            WHERE note_pairs MATCH ? {_COUNTS.replace("rowid", "note.number")}
            ORDER BY note_pairs.rowid DESC LIMIT ?""",
        (pairs, limit),
    )
    return [_hit(row, lambda text: _around(text, runs[0])) for row in rows]


def _hit(row: Any, shown: Callable[[str], str]) -> NoteHit:
    note_id, patient_id, title, text, written_at, name, number = row
    snippet = shown(f"{title} {text}")
    return NoteHit(NoteId(note_id), PatientId(patient_id), snippet, title, written_at, name, number)


def _around(text: str, run: str) -> str:
    at = max(text.find(run), 0)
    start, end = max(0, at - _AROUND), at + len(run) + _AROUND
    shown = text[start:at] + f"«{text[at : at + len(run)]}»" + text[at + len(run) : end]
    return ("… " if start else "") + shown + (" …" if end < len(text) else "")
