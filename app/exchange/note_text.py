"""The text of a note: FHIR attachments in base64, and narrative XHTML without its tags."""

import base64
import binascii
import re
from html.parser import HTMLParser
from typing import Any

from app.exchange.fhir_fields import string
from app.exchange.strict_json import storable_text

_BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "section"}
_SILENT = {"script", "style", "head", "title"}
_TAGS = re.compile(r"<[^<>]*>?")
_SPACES = re.compile(r"[ \t]+")
_LINES = re.compile(r"\n{3,}")


def attachment_text(attachment: Any) -> tuple[str, str]:
    """(text, reason): one of the two is empty. Reasons hold no content."""
    kind = string(attachment, "contentType").casefold()
    media, _, parameters = kind.partition(";")
    if media.strip() not in (
        "",
        "text/plain",
        "text/html",
        "application/xhtml+xml",
        "text/markdown",
        "text/rtf",
    ):
        return "", f"attachment of type {media.strip()[:60]} holds no plain text"
    data = string(attachment, "data")
    if not data:
        return "", "attachment holds only a link or nothing; send its data"
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return "", "attachment is not valid base64"
    text = _decoded(raw, parameters)
    if "html" in media or text.lstrip()[:1] == "<":
        text = plain_text(text)
    return (text, "") if text.strip() else ("", "attachment is empty")


def plain_text(markup: str) -> str:
    """Text of HTML or XHTML with a line for each block, without scripts and styles."""
    reader = _Reader()
    try:
        reader.feed(markup)
        reader.close()
    except AssertionError:  # the standard parser's word for markup such as `<![x[`
        reader.parts.append("\n" + _TAGS.sub(" ", reader.rawdata))
    lines = (_SPACES.sub(" ", line).strip() for line in "".join(reader.parts).split("\n"))
    return _LINES.sub("\n\n", "\n".join(lines)).strip()


def _decoded(raw: bytes, parameters: str) -> str:
    match = re.search(r"charset=\"?([\w.-]+)", parameters)
    for encoding in filter(None, (match.group(1) if match else "", "utf-8-sig", "cp1252")):
        try:
            return storable_text(raw.decode(encoding))
        except (UnicodeError, LookupError, ValueError):
            continue
    return storable_text(raw.decode("latin-1"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(storable_text(data).replace("\xa0", " ").replace("\n", " "))
