"""The text of a note: FHIR attachments in base64, RTF, and narrative XHTML without its tags."""

import base64
import binascii
import codecs
import re
from html.parser import HTMLParser
from typing import Any

from app.exchange.fhir_fields import string
from app.exchange.rtf_text import rtf_text
from app.exchange.strict_json import storable_text

_BLOCKS = {"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "section"}
_BLOCKS |= {"paragraph", "list", "item", "caption"}  # those of a CDA narrative
_SILENT = {"script", "style", "head", "title"}
_TAGS = re.compile(r"<[^<>]*>?")
_SPACES = re.compile(r"[ \t]+")
_LINES = re.compile(r"\n{3,}")
_MEDIA = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,60}")
_MARKUP = re.compile(r"\s*<(!doctype|html|head|body|div|p|span|table|h[1-6]|br)\b", re.IGNORECASE)
# Readable kinds, the plainest first: where a document comes in several forms, that one is kept.
READABLE = (
    "text/plain",
    "text/markdown",
    "",
    "text/html",
    "application/xhtml+xml",
    "text/rtf",
    "application/rtf",
)
# Python's own notations: they would change what a note says, or take time with the square of its length.
_NO_CHARSETS = {"punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined"}
OTHER_ENCODING = "its text is in no encoding that it names; it was read as Windows-1252: check its letters"


def attachment_text(attachment: Any) -> tuple[str, str]:
    """(text, remark). Without a text the remark says why; it holds no content."""
    media, parameters = media_of(attachment)
    if media not in READABLE:
        named = media if _MEDIA.fullmatch(media) else "unknown"
        return "", f"attachment of type {named} holds no plain text"
    data = string(attachment, "data")
    if not data:
        return "", "attachment holds only a link or nothing; send its data"
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return "", "attachment is not valid base64"
    text, remark = decoded(raw, parameters)
    text = _without_format(text, media)
    return (text, remark) if text.strip() else ("", "attachment is empty")


def media_of(attachment: Any) -> tuple[str, str]:
    """An attachment's media type in lower case, and the parameters behind it."""
    media, _, parameters = string(attachment, "contentType").casefold().partition(";")
    return media.strip(), parameters


def _without_format(text: str, media: str) -> str:
    if "rtf" in media or text.startswith("{\\rtf"):
        return storable_text(rtf_text(text))
    if "html" in media or (media == "" and _MARKUP.match(text)):
        return plain_text(text)
    return text


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


def decoded(raw: bytes, parameters: str = "") -> tuple[str, str]:
    """(text, remark): by a byte order mark, the charset that is named, UTF-8, and at last Windows-1252."""
    match = re.search(r"charset=\"?([\w.-]+)", parameters)
    marked = "utf-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""
    for encoding in filter(None, (marked, match.group(1) if match else "", "utf-8-sig")):
        try:
            if codecs.lookup(encoding).name not in _NO_CHARSETS:
                return storable_text(raw.decode(encoding)), ""
        except (LookupError, ValueError):
            continue
    return storable_text(raw.decode("cp1252", "replace")), OTHER_ENCODING


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
