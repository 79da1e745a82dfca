"""Reads HL7 v2 messages (ADT, ORU, MDM and their like) as the FHIR resources that say the same."""

from collections.abc import Iterator

from app.exchange.ccda_value import time_of
from app.exchange.fhir_fields import Json
from app.exchange.fhir_stream import PlacedResource
from app.exchange.hl7v2_message import Message, Segment, messages_of
from app.exchange.hl7v2_result import Reports, concept

_GENDER = {"F": "female", "M": "male", "O": "other", "A": "other"}
_CLASS = {"I": "IMP", "O": "AMB", "E": "EMER", "P": "PRENC"}
_MERGES = {"A18", "A30", "A34", "A35", "A36", "A39", "A40", "A41", "A42", "A43", "A44", "A45", "A47"}
_TAKEN_BACK = {"A11", "A12", "A13", "A23", "A25", "A27", "A29", "A38", "T11"}
ANSWER = "an acknowledgement, which holds no record"
JOINS = "it joins or renumbers patients, which an import does not do; do so in the sending system"
CANCELS = "it takes back an earlier message, which an import does not do; withdraw the record in the program"
NOBODY = "it does not name its patient (no PID segment)"


def hl7v2_resources(data: bytes, *, name: str) -> Iterator[PlacedResource]:
    """What each message holds. Raises ImportRefused where the file holds none."""
    for number, message in enumerate(messages_of(data, name=name)):
        yield from _resources(message, f"message {number}")


def _resources(message: Message, place: str) -> Iterator[PlacedResource]:
    kind, event = message.header.text(9, 1), message.header.text(9, 2)
    pid = next((s for s in message.segments if s.name == "PID"), None)
    why = ""
    if kind in ("ACK", "MCF"):
        why = ANSWER
    elif event in _MERGES:
        why = JOINS
    elif event in _TAKEN_BACK:
        why = CANCELS
    if why or pid is None:
        yield PlacedResource(place, {"resourceType": "Message"}, problem=why or NOBODY)
        return
    whose = f"Patient/{place}"
    yield PlacedResource(place, _patient(pid, message.header), also=(whose,), remark=message.remark)
    reports = Reports(message)
    for number, segment in enumerate(message.segments):
        for resource in (*_own(segment, message.header), *reports.take(segment)):
            yield _placed(resource, f"{place}, segment {number}", whose)
    for resource in reports.rest():
        yield _placed(resource, place, whose)


def _placed(resource: Json, place: str, whose: str) -> PlacedResource:
    owner = "patient" if resource["resourceType"] == "AllergyIntolerance" else "subject"
    filled = {key: value for key, value in resource.items() if value not in ("", {}, [], None)}
    return PlacedResource(place, {**filled, owner: {"reference": whose}})


def _own(segment: Segment, header: Segment) -> list[Json]:
    """The resource of a segment that stands for itself."""
    if segment.name == "PV1":
        return _visit(segment, header)
    if segment.name == "AL1":
        agent = concept(segment, segment.raw(3))
        reactions = [{"manifestation": [{"text": segment.part(r, 1)}]} for r in segment.repeated(5)]
        made = {"resourceType": "AllergyIntolerance", "code": agent, "reaction": reactions}
        return [{**made, "onsetDateTime": time_of(segment.text(6))}] if agent else []
    if segment.name in ("DG1", "PRB"):
        code, when = concept(segment, segment.raw(3)), segment.text(5 if segment.name == "DG1" else 2)
        code = code or ({"text": segment.text(4)} if segment.name == "DG1" and segment.text(4) else {})
        return [{"resourceType": "Condition", "code": code, "recordedDate": time_of(when)}] if code else []
    return []


def _visit(segment: Segment, header: Segment) -> list[Json]:
    number, start, end = segment.text(19), time_of(segment.text(44)), time_of(segment.text(45))
    if not (number or start):
        return []
    system = issuer(segment, segment.raw(19), header)
    return [
        {
            "resourceType": "Encounter",
            "id": f"{system}|{number or start}",
            "class": {"code": _CLASS.get(segment.text(2), segment.text(2))},
            "period": {"start": start, "end": end},
        }
    ]


def _patient(pid: Segment, header: Segment) -> Json:
    numbers = [
        {
            "system": issuer(pid, part, header),
            "value": pid.part(part, 1),
            "type": {"coding": [{"code": pid.part(part, 5)}]},
        }
        for part in pid.repeated(3)
        if pid.part(part, 1)
    ]
    names = [_name(pid, part) for part in pid.repeated(5)]
    made: Json = {
        "resourceType": "Patient",
        "identifier": numbers,
        "name": [name for name in names if name["family"] or name["given"]],
        "gender": _GENDER.get(pid.text(8).upper(), "unknown"),
        "birthDate": time_of(pid.text(7))[:10],
        "deceasedBoolean": pid.text(30).upper() == "Y",
    }
    died = time_of(pid.text(29))
    made |= {"deceasedDateTime": died} if died else {}
    return made if numbers else {**made, "id": repr(sorted(made.items(), key=str))}


def _name(pid: Segment, part: str) -> Json:
    given = [*pid.part(part, 2).split(), *pid.part(part, 3).split()]
    use = "official" if pid.part(part, 7) in ("L", "D", "") else "old"
    return {"family": pid.part(part, 1, 1), "given": list(dict.fromkeys(given)), "use": use}


def issuer(segment: Segment, part: str, header: Segment) -> str:
    """Who gave a number: by its OID, else by the name of the authority, else the sending facility."""
    oid = segment.part(part, 4, 2)
    if oid and segment.part(part, 4, 3).upper() == "ISO":
        return f"urn:oid:{oid}"
    named = segment.part(part, 4, 1) or header.text(4) or header.text(3)
    return f"urn:hl7v2:{named}" if named else ""
