"""Turns FHIR R4 documents into notes: attachments of any form, and the narrative of a composition."""

from dataclasses import replace
from typing import Any

from app.clinical.ids import NoteId, record_id
from app.clinical.note import Note
from app.clinical.record import WITHDRAWN
from app.exchange.fhir_context import Context, Read
from app.exchange.fhir_fields import Fields, Json, label, string
from app.exchange.note_text import READABLE, attachment_text, media_of, plain_text

TAKEN_BACK = "the sender marked it as entered in error"
_PLAINEST = {media: rank for rank, media in enumerate(READABLE)}


def read_document(f: Fields, c: Context) -> Read:
    """A DocumentReference: one note, from the plainest form that it comes in."""
    f.has("docStatus")
    attachments = [content.get("attachment") for content in f.maps("content")]
    title = label(f.map("type")) or f.text("description")
    if WITHDRAWN in (f.text("status"), f.text("docStatus")):
        return (), [TAKEN_BACK]
    if not attachments:
        return (), ["it has no attachment"]
    return attached_notes(attachments, c, title=title, when=f.text("date"), author=author_of(f, "author"))


def read_composition(f: Fields, c: Context) -> Read:
    """A document's narrative: one note, each section under its title."""
    if f.text("status") == WITHDRAWN:
        return (), [TAKEN_BACK]
    parts: list[str] = []
    _sections(f.maps("section"), parts)
    text = "\n\n".join(parts) or narrative_of(f)
    if not text.strip():
        return (), ["no section has a narrative"]
    title = f.text("title") or label(f.map("type"))
    return (note_of(text, c, title=title, when=f.text("date"), author=author_of(f, "author")),), []


def attached_notes(attachments: list[Any], c: Context, *, title: str, when: str, author: str = "") -> Read:
    """The forms of one document: the first of the plainest kind that holds text becomes the note."""
    remarks: list[str] = []
    fetched = [_fetched(attachment, c) for attachment in attachments]
    for attachment in sorted(fetched, key=lambda a: _PLAINEST.get(media_of(a)[0], len(_PLAINEST))):
        text, remark = attachment_text(attachment)
        remarks += [remark] if remark else []
        if text:
            shown = string(attachment, "title") or title
            date = when or string(attachment, "creation")
            return (note_of(text, c, title=shown, when=date, author=author),), remarks
    return (), remarks


def note_of(text: str, c: Context, *, title: str, when: str, author: str = "") -> Note:
    """A note's id covers its text: a changed text is a new note, the old one stays as it was."""
    fresh = Note(NoteId(""), c.patient_id, text, title, when, c.encounter_id, author)
    return replace(fresh, id=NoteId(record_id("note", c.id, fresh.sha256)))


def author_of(f: Fields, name: str) -> str:
    """The name of who wrote it, where the reference tells it."""
    return next((string(who, "display") for who in f.maps(name) if string(who, "display")), "")


def narrative_of(f: Fields) -> str:
    """The human-readable summary of a resource."""
    return plain_text(string(f.map("text"), "div"))


def _fetched(attachment: Any, c: Context) -> Any:
    """An attachment that only names a Binary of the same import, with its data."""
    url = string(attachment, "url")
    if string(attachment, "data") or not url:
        return attachment
    binary = c.resource(url)
    if not binary:
        return attachment
    kind = string(attachment, "contentType") or string(binary, "contentType")
    return {**attachment, "contentType": kind, "data": string(binary, "data")}


def _sections(sections: list[Json], parts: list[str]) -> None:
    for section in sections:
        f = Fields(section)
        text = narrative_of(f)
        if text:
            title = f.text("title")
            parts.append(f"{title}:\n{text}" if title else text)
        _sections(f.maps("section"), parts)
