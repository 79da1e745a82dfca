"""Finds notes by their words: all of them, the last one as a prefix, quoted ones as a phrase.

Only the newest hits are ranked: a word of half the notes costs no more than a rare one.
"""

import re
from dataclasses import dataclass

from app.clinical.ids import NoteId, PatientId
from app.store.character_pairs import phrase, runs_of, without_runs
from app.store.session import Session

RANKED = 2_000
_TERM = re.compile(r'"([^"]*)"|([^\s"]+)')
_AROUND = 40


@dataclass(frozen=True, slots=True)
class NoteHit:
    """A note that matches a search, with the matching words between « and »."""

    note_id: NoteId
    patient_id: PatientId
    snippet: str


def search_notes(session: Session, query: str, *, limit: int) -> list[NoteHit]:
    """The best of the newest notes that hold everything asked for; nothing for a query without a word."""
    query = query.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    runs = runs_of(query) if _has_pairs(session) else []
    words = _match_of(without_runs(query), open_end=not (runs and query.endswith(runs[-1])))
    pairs = " ".join(phrase(run) for run in runs)
    if words:
        return _by_words(session, words, pairs, limit)
    return _by_pairs(session, pairs, runs, limit) if pairs else []


def _has_pairs(session: Session) -> bool:
    """Whether this vault's schema, perhaps an older one on read-only media, knows texts without spaces."""
    return bool(session.rows("SELECT 1 FROM sqlite_master WHERE name = 'note_pairs'"))


def _match_of(text: str, *, open_end: bool) -> str:
    """FTS5's own language, in which every word is quoted, so that no sign in it means anything."""
    terms = [quoted or word for quoted, word in _TERM.findall(text)]
    terms = [term for term in terms if any(character.isalnum() for character in term)]
    if not terms:
        return ""
    match = " ".join(f'"{term}"' for term in terms)
    typing = open_end and len(terms[-1]) > 1 and not text.rstrip().endswith('"')
    return match + "*" if typing else match


def _by_words(session: Session, words: str, pairs: str, limit: int) -> list[NoteHit]:
    also = "AND rowid IN (SELECT rowid FROM note_pairs WHERE note_pairs MATCH ?)" if pairs else ""
    best = session.rows(
        f"""SELECT rowid FROM (SELECT rowid, bm25(note_search) AS score FROM note_search
            WHERE note_search MATCH ? {also} ORDER BY rowid DESC LIMIT ?)
            ORDER BY score, rowid DESC LIMIT ?""",
        (words, *([pairs] if pairs else []), RANKED, limit),
    )
    numbers = [row[0] for row in best]
    marks = ", ".join("?" * len(numbers))
    rows = session.rows(
        f"""SELECT note.number, note.id, note.patient_id, snippet(note_search, -1, '«', '»', ' … ', 12)
            FROM note_search JOIN note ON note.number = note_search.rowid
            WHERE note_search MATCH ? AND note_search.rowid IN ({marks})""",
        (words, *numbers),
    )
    found = {number: NoteHit(NoteId(n), PatientId(p), s) for number, n, p, s in rows}
    return [found[number] for number in numbers if number in found]


def _by_pairs(session: Session, pairs: str, runs: list[str], limit: int) -> list[NoteHit]:
    rows = session.rows(
        """SELECT note.id, note.patient_id, note.title || ' ' || note.text
           FROM note_pairs JOIN note ON note.number = note_pairs.rowid
           WHERE note_pairs MATCH ? ORDER BY note_pairs.rowid DESC LIMIT ?""",
        (pairs, limit),
    )
    return [NoteHit(NoteId(n), PatientId(p), _excerpt(text, runs[0])) for n, p, text in rows]


def _excerpt(text: str, run: str) -> str:
    at = max(text.find(run), 0)
    start, end = max(0, at - _AROUND), at + len(run) + _AROUND
    shown = text[start:at] + f"«{text[at : at + len(run)]}»" + text[at + len(run) : end]
    return ("… " if start else "") + shown + (" …" if end < len(text) else "")
