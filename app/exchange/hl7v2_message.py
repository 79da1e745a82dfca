"""HL7 v2 in its bar-and-hat form: messages, segments, fields, repetitions, components, escapes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.errors import ImportRefused
from app.exchange.note_text import decoded
from app.exchange.strict_json import storable_text

_ENCODINGS = {  # those in which a header can be read before its charset is known, so not UTF-16
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "ASCII": "ascii",
    **{f"8859/{n}": f"iso8859-{n}" for n in range(1, 16)},
}
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}")
_HEADER = re.compile(rb"MSH([!-/:-@\[-`{-~])(.{4,5}?)\1")
_FRAMES = b"\x0b\x1c"  # what the transport (MLLP) puts around a message


@dataclass(frozen=True, slots=True)
class Marks:
    """The separators that a message declares for itself."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One line; fields count from 1, as the standard does."""

    name: str
    fields: tuple[str, ...]
    marks: Marks

    def raw(self, number: int) -> str:
        """A field with its separators."""
        return self.fields[number - 1] if 0 < number <= len(self.fields) else ""

    def text(self, number: int, component: int = 1) -> str:
        """The component of the field's first repetition, without escapes."""
        return self.part(next(iter(self.repeated(number)), ""), component)

    def repeated(self, number: int) -> list[str]:
        """The repetitions of a field, with their separators."""
        return [part for part in self.raw(number).split(self.marks.repetition) if part]

    def part(self, repetition: str, component: int, sub: int = 0) -> str:
        """A component (or one of its parts) of a repetition, without escapes; `""` means deleted: empty."""
        parts = repetition.split(self.marks.component)
        found = parts[component - 1] if component <= len(parts) else ""
        if sub:
            inner = found.split(self.marks.subcomponent)
            found = inner[sub - 1] if sub <= len(inner) else ""
        plain = unescaped(found, self.marks).strip()
        return "" if plain == '""' else plain

    def whole(self, number: int) -> str:
        """A field that is plain text, whose component separators are its own."""
        return unescaped(self.raw(number), self.marks)


@dataclass(frozen=True, slots=True)
class Message:
    """The segments of one message, the first of which is MSH, and what was doubtful in reading it."""

    segments: tuple[Segment, ...]
    remark: str = ""

    @property
    def header(self) -> Segment:
        """MSH; its fields count as in the standard, where the separator is the first."""
        return self.segments[0]


def messages_of(data: bytes, *, name: str) -> Iterator[Message]:
    """The messages of a file, also in batches and in transport frames. Raises ImportRefused."""
    plain = data.removeprefix(b"\xef\xbb\xbf").translate(None, _FRAMES)
    lines = [line.lstrip() for line in re.split(rb"[\r\n]+", plain) if line.strip()]
    starts = [n for n, line in enumerate(lines) if line.startswith(b"MSH")]
    if not starts:
        raise ImportRefused(f"{name}: no HL7 v2 message in it (no MSH segment); export it again")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield _message(lines[start:end], name)


def _message(lines: list[bytes], name: str) -> Message:
    match = _HEADER.match(lines[0])
    head, _ = decoded(lines[0])
    if match is None or len(head.split(chr(match[1][0]))[1]) < len("^~\\"):
        raise ImportRefused(f"{name}: an MSH segment does not declare its separators; export it again")
    bar = chr(match[1][0])
    signs = head.split(bar)[1]
    signs = signs[:3] + signs[4:] if signs[3:4] == signs[2:3] else signs  # a backslash that was escaped
    marks = Marks(bar, signs[0], signs[1], signs[2], signs[3:4] or "&")
    declared = head.split(bar)[17:18] or [""]
    charset = _ENCODINGS.get(declared[0].split(marks.repetition)[0].strip().upper(), "")
    text, remark = decoded(b"\r".join(lines), f"charset={charset}" if charset else "")
    segments = [_segment(line, marks) for line in storable_text(text).split("\r")]
    return Message(tuple(s for s in segments if _SEGMENT.fullmatch(s.name)), remark)


def _segment(line: str, marks: Marks) -> Segment:
    name, *fields = line.split(marks.field)
    return Segment(name, tuple([marks.field, *fields] if name == "MSH" else fields), marks)


def unescaped(text: str, marks: Marks) -> str:
    """Text without escape sequences (HL7 v2.5, section 2.7); highlighting is dropped."""
    if marks.escape not in text:
        return text
    sign = re.escape(marks.escape)
    known = {"F": marks.field, "S": marks.component, "T": marks.subcomponent, "R": marks.repetition}
    known |= {"E": marks.escape, "H": "", "N": "", ".br": "\n", ".sp": "\n"}

    def plain(match: re.Match[str]) -> str:
        word = match[1]
        if word in known:
            return known[word]
        if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", word):
            return decoded(bytes.fromhex(word[1:]))[0]
        return (
            "\n" if word.startswith((".sp", ".ce")) else "" if word[:1] in ("C", "M", "Z", ".") else match[0]
        )

    return re.sub(rf"{sign}([A-Za-z.][^{sign}\n]{{0,80}}?){sign}", plain, text)
