"""Finds notes by their words: all of them, the last one as a prefix, quoted ones as a phrase.

Only the newest hits are ranked: a word of half the notes costs no more than a rare one. What is seldom found
costs more the older it is: a search stops in time, and says that older notes were not looked at. What was
entered in error is not found.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.clinical.ids import NoteId, PatientId
from app.store.character_pairs import phrase, runs_of, without_runs
from app.store.note_excerpt import excerpt, has_beginning
from app.store.note_look import COUNTS, MAY_COST_S, NoteLook, Stop, allowance
from app.store.note_ranking import ranked
from app.store.patient_query import RECORD_NUMBER
from app.store.session import Session

if TYPE_CHECKING:
    from app.store.vault import Vault

_MANY = 4  # words: so many are held together by few notes
_INDEXED, _LOOKED_THROUGH, _AT_ONCE = 3, 400, 100
_TERM = re.compile(r'"([^"]*)"|([^\s"]+)')
_AROUND = 40
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


class NoteHits(list[NoteHit]):
    """What a search found, best first; `older_left_out` where it had to stop before the oldest notes."""

    older_left_out: bool = False


def find_notes(vault: "Vault", query: str, *, limit: int, stop: Stop) -> Iterator[NoteHits]:
    """The vault's hits at once; where older notes were left out for that, then those of all notes.

    The second look, which costs what it costs, is given up when `stop` says so. Raises PolicyError.
    """
    hits = vault.search_notes(query, limit=limit)
    yield hits
    if hits.older_left_out:
        whole = search_notes(vault.session(), query, limit=limit, stop=stop)
        if not whole.older_left_out:
            yield whole


def search_notes(session: Session, query: str, *, limit: int, stop: Stop | None = None) -> NoteHits:
    """The best of the newest notes that hold everything asked for; nothing for a query without a word.

    It looks until `stop` says otherwise, or as long as a search may take.
    """
    look = NoteLook(session, stop or allowance(MAY_COST_S))
    query = query.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    runs = runs_of(query) if _has_pairs(session) else []
    terms = _terms_of(without_runs(query), open_end=not (runs and query.endswith(runs[-1])))
    pairs = " ".join(phrase(run) for run in runs)
    if terms:
        hits = NoteHits(_by_words(look, terms, pairs, limit))
    else:
        hits = NoteHits(_by_pairs(look, pairs, runs, limit) if pairs else [])
    hits.older_left_out = look.cut
    return hits


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


def _by_words(look: NoteLook, terms: list[str], pairs: str, limit: int) -> list[NoteHit]:
    if terms[-1].endswith("*"):
        terms, ordered = _being_typed(look, terms, pairs, limit)
    else:
        ordered = _ordered(look, terms, look.newest(terms, pairs))
    numbers = ordered[:limit]
    rows = look.session.rows(
        f"""SELECT note.number, {_SHOWN} FROM note JOIN patient ON patient.id = note.patient_id
            WHERE note.number IN (SELECT value FROM json_each(?))""",
        (json.dumps(numbers),),
    )
    found = {row[0]: _hit(row[1:], lambda text: excerpt(text, terms)) for row in rows}
    return [found[number] for number in numbers]


def _being_typed(look: NoteLook, terms: list[str], pairs: str, limit: int) -> tuple[list[str], list[int]]:
    """The terms, and the notes best first: with the last word as it stands, else with its beginning.

    Many words are held together by few notes: those without the last word are looked through.
    """
    start = terms[-1].strip('"*')
    if len(terms) >= _MANY and start.isalnum():
        few = min(limit, _AT_ONCE)
        near = look.newest(terms[:-1], pairs, few)
        if len(near) < few:
            return terms, _ordered(look, terms, _beginning(look.session, near, start))
    whole = [*terms[:-1], terms[-1].rstrip("*")]
    newest = look.newest(whole, pairs)
    if len(newest) >= limit or (newest and look.cut):
        return whole, _ordered(look, whole, newest)
    return terms, _by_beginning(look, terms, pairs, limit)


def _by_beginning(look: NoteLook, terms: list[str], pairs: str, limit: int) -> list[int]:
    """Notes with the last word as a beginning, best first.

    The index has two and three letters ready; more of them it puts together from each word that begins so,
    for all notes. So those with the first three are looked through, if they are many the newest of them;
    what those seldom hold is rare.
    """
    start = terms[-1].strip('"*')
    if len(start) > _INDEXED and start.isalnum():
        near = look.newest([*terms[:-1], f'"{start[:_INDEXED]}"*'], pairs)
        if len(near) < min(limit, _AT_ONCE):
            return _ordered(look, terms, _beginning(look.session, near, start))
        if common := _looked_through(look.session, near, start, limit):
            return common
    return _ordered(look, terms, look.newest(terms, pairs))


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


def _ordered(look: NoteLook, terms: list[str], newest: list[int]) -> list[int]:
    """Best first; what is only a part of the hits stays newest first, and costs no more."""
    return newest if look.cut else ranked(look.session, terms, newest)


def _by_pairs(look: NoteLook, pairs: str, runs: list[str], limit: int) -> list[NoteHit]:
    rows = look.rows(
        f"""SELECT {_SHOWN} FROM note_pairs JOIN note ON note.number = note_pairs.rowid
            JOIN patient ON patient.id = note.patient_id
            WHERE note_pairs MATCH ? {COUNTS.replace("rowid", "note.number")}
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
