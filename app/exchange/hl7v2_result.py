"""Results of HL7 v2 messages: OBR and TXA open a report, each OBX is a value of it or a line of its text."""

import base64
import re
from collections.abc import Iterator

from app.exchange.ccda_value import time_of
from app.exchange.fhir_fields import Json
from app.exchange.hl7v2_message import Message, Segment, unescaped

_SYSTEMS = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "I10": "http://hl7.org/fhir/sid/icd-10",
}
_SYSTEMS |= {"I10C": "http://hl7.org/fhir/sid/icd-10-cm", "I9C": "http://hl7.org/fhir/sid/icd-9-cm"}
_STATUS = {"F": "final", "C": "corrected", "P": "preliminary", "R": "registered", "I": "registered"}
_STATUS |= {
    "X": "cancelled",
    "D": "entered-in-error",
    "W": "entered-in-error",
    "S": "preliminary",
    "A": "final",
}
_WITHDRAWN = ("D", "W")
_MEDIA = {
    "TEXT": "text/plain",
    "TXT": "text/plain",
    "PLAIN": "text/plain",
    "HTML": "text/html",
    "RTF": "text/rtf",
}
_MEDIA |= {"PDF": "application/pdf", "XML": "text/html"}
_RANGE = re.compile(r"([<>]=?)?\s*+(-?\d++(?:\.\d+)?)\s*+(?:-|–|to)?\s*+(-?\d++(?:\.\d+)?)?")
_NUMBER = re.compile(r"([<>]=?)?\s*+([+-]?\d++(?:\.\d+)?(?:[eE][+-]?\d+)?)")


class Reports:
    """The report that is open while the segments of a message pass."""

    def __init__(self, message: Message):
        self._header = message.header
        self._open: Segment | None = None
        self._lines: dict[str, list[str]] = {}
        self._count = 0

    def take(self, segment: Segment) -> Iterator[Json]:
        """What a segment adds: a value, or at the next report's beginning the text of the last one."""
        if segment.name in ("OBR", "TXA"):
            yield from self.rest()
            self._open = segment
            if segment.name == "OBR":
                yield self._report(segment)
        elif segment.name == "OBX":
            self._count += 1
            yield from self._value(segment)
        elif segment.name == "NTE" and segment.raw(3):
            words = [segment.part(r, 1) for r in segment.repeated(3)]
            self._lines.setdefault("Comments", []).extend(words)

    def rest(self) -> Iterator[Json]:
        """The text of the open report as one note for each kind of it."""
        for title, lines in self._lines.items():
            text = "\n".join(lines)
            if text.strip():
                data = base64.b64encode(text.encode("utf-8")).decode("ascii")
                yield self._document({"contentType": "text/plain; charset=utf-8", "data": data}, title)
        self._lines = {}

    def _report(self, obr: Segment) -> Json:
        return {
            "resourceType": "DiagnosticReport",
            "id": f"{self._name()}|report",
            "status": _STATUS.get(obr.text(25), "unknown"),
            "code": concept(obr, obr.raw(4)),
            "effectiveDateTime": self._when(),
        }

    def _value(self, obx: Segment) -> Iterator[Json]:
        kind, code = obx.text(2).upper(), concept(obx, obx.raw(3))
        title = code.get("text") or self._title()
        if kind in ("TX", "FT") or (kind == "" and obx.raw(5)):
            if obx.text(11) not in _WITHDRAWN:
                self._lines.setdefault(title, []).extend(_text_lines(obx))
        elif kind in ("ED", "RP"):
            yield self._document(_attachment(obx, kind), title, status=obx.text(11))
        else:
            value = _typed(obx, kind)
            yield {
                "resourceType": "Observation",
                "id": f"{self._name()}|{obx.text(3) or title}|{obx.text(4) or self._repeat(obx)}",
                "status": _STATUS.get(obx.text(11), "unknown"),
                "code": code,
                "effectiveDateTime": time_of(obx.text(14)) or self._when(),
                **value,
                "interpretation": [{"coding": [{"code": obx.part(f, 1)}]} for f in obx.repeated(8)],
                "referenceRange": _ranges(obx),
            }

    def _repeat(self, obx: Segment) -> str:
        return obx.text(1) or str(self._count)

    def _document(self, attachment: Json, title: str, status: str = "") -> Json:
        when = time_of(self._open.text(6) or self._open.text(4)) if self._is("TXA") and self._open else ""
        return {
            "resourceType": "DocumentReference",
            "id": f"{self._name()}|{title}",
            "status": "entered-in-error" if status in _WITHDRAWN else "current",
            "date": when or self._when() or time_of(self._header.text(7)),
            "type": {"text": title},
            "content": [{"attachment": attachment}],
        }

    def _is(self, name: str) -> bool:
        return self._open is not None and self._open.name == name

    def _title(self) -> str:
        if self._open is None:
            return "Result"
        coded = concept(self._open, self._open.raw(4 if self._is("OBR") else 2))
        return str(coded.get("text") or "Document")

    def _when(self) -> str:
        return time_of(self._open.text(7) or self._open.text(22)) if self._is("OBR") and self._open else ""

    def _name(self) -> str:
        """What a corrected report keeps: the filler's number, else the placer's, else the message's own."""
        number = ""
        if self._open is not None:
            fields = (3, 2) if self._is("OBR") else (12, 14)
            number = next(filter(None, (self._open.text(n) for n in fields)), "")
            number = f"{number}|{self._open.text(4)}" if number and self._is("OBR") else number
        return f"{self._header.text(4)}|{number or self._header.text(10)}"


def concept(segment: Segment, field: str) -> Json:
    """A coded element and its alternative (CE, CWE)."""
    part = next(iter(field.split(segment.marks.repetition)), "")
    coding = []
    for first in (1, 4):
        code, text, system = (segment.part(part, first + n) for n in range(3))
        if code or text:
            uri = _SYSTEMS.get(system.upper(), f"urn:hl7v2:{system}" if system else "")
            coding.append({"system": uri, "code": code, "display": text})
    text = segment.part(part, 9) or next((str(c["display"]) for c in coding if c["display"]), "")
    text = text or next((str(c["code"]) for c in coding), "")
    return {"coding": coding, "text": text} if text else {}


def _typed(obx: Segment, kind: str) -> Json:
    """OBX-5 by its type; repetitions of words are joined."""
    unit = obx.text(6, 2) or obx.text(6)
    if not obx.raw(5):
        return {"dataAbsentReason": {"text": "not given"}}
    if kind == "SN":
        return _structured(obx, unit)
    match = _NUMBER.fullmatch(obx.text(5)) if kind in ("NM", "") else None
    if match:
        amount = {"value": float(match[2]), "unit": unit, "comparator": match[1] or ""}
        return {"valueQuantity": {k: v for k, v in amount.items() if v != ""}}
    if kind in ("CE", "CWE", "CNE", "IS"):
        return {"valueCodeableConcept": concept(obx, obx.raw(5))}
    if kind in ("DT", "TS", "DTM"):
        return {"valueDateTime": time_of(obx.text(5))}
    words = "; ".join(obx.part(r, 1) for r in obx.repeated(5))
    return {"valueString": f"{words} {unit}".strip() if kind == "NM" else words}


def _structured(obx: Segment, unit: str) -> Json:
    """SN: comparator, number, separator or suffix, number."""
    sign, first, middle, second = (obx.text(5, n) for n in range(1, 5))
    number = _NUMBER.fullmatch(first)
    if number and not second and middle in ("", "."):
        comparator = {"": "", "=": ""}.get(sign, sign)
        if comparator in ("", "<", "<=", ">", ">="):
            amount = {"value": float(number[2]), "unit": unit, "comparator": comparator}
            return {"valueQuantity": {k: v for k, v in amount.items() if v != ""}}
    return {"valueString": f"{sign}{first}{middle}{second} {unit}".strip()}


def _ranges(obx: Segment) -> list[Json]:
    """OBX-7: "12-16", "<5", or words."""
    text = obx.whole(7).strip()
    match = _RANGE.fullmatch(text)
    if not text:
        return []
    if match is None or (match[1] and match[3]):
        return [{"text": text}]
    first = {"value": float(match[2])}
    if match[3]:
        return [{"low": first, "high": {"value": float(match[3])}}]
    if match[1]:
        return [{"high" if match[1].startswith("<") else "low": first}]
    return [{"text": text}]


def _text_lines(obx: Segment) -> list[str]:
    """TX and FT: each repetition is a line (HL7 v2.5, 2.A.79); a hat in a text is a hat."""
    return [unescaped(line, obx.marks) for line in obx.raw(5).split(obx.marks.repetition)]


def _attachment(obx: Segment, kind: str) -> Json:
    """Encapsulated data: source, type, subtype, encoding, data."""
    media, subtype, encoding, data = (obx.text(5, n) for n in range(2, 6))
    found = _MEDIA.get(subtype.upper()) or _MEDIA.get(media.upper()) or f"{media}/{subtype}".casefold()
    if kind == "RP":
        return {"contentType": found, "url": obx.text(5)}
    plain = (
        data if encoding.casefold() == "base64" else base64.b64encode(data.encode("utf-8")).decode("ascii")
    )
    return {"contentType": found, "data": plain}
