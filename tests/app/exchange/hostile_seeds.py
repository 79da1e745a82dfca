"""Real-looking files of each kind, made here, and ways to spoil them. CANARY stands for all content."""

import base64
import gzip
import io
import json
import random
import zipfile
from typing import Any

CANARY = "Canaryworth"
Json = dict[str, Any]
ODD_VALUES: list[Any] = [
    *(None, True, 0, -1, 1e300, 10**400, "", " ", CANARY, "\ud83d", "a\0b", [], {}, [[]], [None], {"": ""}),
    *("Patient", "#p", "Patient/p", "text/plain; charset=idna", "charset=unicode_escape", "<![x[", "P1Y"),
    *([{"reference": "Patient/p"}], {"coding": {}}, {"value": 10**400}, {"resourceType": 5}, "2026-99-99"),
]


def note(text: str, kind: str = "text/plain") -> Json:
    return {"attachment": {"contentType": kind, "data": base64.b64encode(text.encode()).decode()}}


def resources() -> list[Json]:
    whose = {"subject": {"reference": "Patient/p"}}
    code = {"coding": [{"system": "http://loinc.org", "code": "1", "display": CANARY}], "text": CANARY}
    measured = {"valueQuantity": {"value": 1.5, "unit": "mg"}, "referenceRange": [{"low": {"value": 1}}]}
    patient = {"id": "p", "name": [{"family": CANARY, "given": ["Ada"]}], "birthDate": "1990-02-03"}
    return [
        {"resourceType": "Patient", **patient, "identifier": [{"system": "urn:h", "value": CANARY}]},
        {"resourceType": "Encounter", "id": "e", **whose, "class": {"code": "AMB"}, "type": [code]},
        {"resourceType": "Condition", "id": "c", **whose, "code": code, "onsetDateTime": "2020-01-01"},
        {"resourceType": "Observation", "id": "o", **whose, "code": code, **measured}
        | {"component": [measured]},
        {"resourceType": "DocumentReference", "id": "d", **whose}
        | {"content": [note(f"{CANARY} has seizures.")]},
        {"resourceType": "DiagnosticReport", "id": "r", **whose, "code": code, "conclusion": CANARY}
        | {"presentedForm": [note(f"<p>{CANARY}</p>", "text/html")["attachment"]]},
        {"resourceType": "Composition", "id": "k", **whose}
        | {"section": [{"text": {"div": f"<p>{CANARY}</p>"}}]},
        {"resourceType": "MedicationRequest", "id": "m", **whose, "medicationCodeableConcept": code},
        {"resourceType": "AllergyIntolerance", "id": "a", "patient": whose["subject"], "code": code},
        {"resourceType": "FamilyMemberHistory", "id": "f", "patient": whose["subject"]}
        | {"relationship": code, "condition": [{"code": code}]},
    ]


def bundle() -> Json:
    entries = [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in resources()]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def phenopacket() -> Json:
    return {
        "id": "pp",
        "subject": {"id": CANARY, "sex": "MALE", "dateOfBirth": "1990-01-01T00:00:00Z"},
        "phenotypicFeatures": [{"type": {"id": "HP:0001250", "label": "Seizure"}, "excluded": True}],
        "diseases": [{"term": {"id": "OMIM:1", "label": CANARY}}],
        "interpretations": [{"diagnosis": {"disease": {"id": "OMIM:1", "label": CANARY}}}],
        "metaData": {},
    }


TABLE = f'mrn,name,sex,text,test,value,low\n7,{CANARY},F,"Has ""fits"",\nno fever",Hb,"1,5",1\n8,B,M,,Hb,x,\n'


DOCUMENT = f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1.2" extension="9"/><title>{CANARY}</title><effectiveTime value="20200102"/>
<recordTarget><patientRole><id root="1.2.3" extension="7"/><patient><name><given>{CANARY}</given></name>
<administrativeGenderCode code="F"/><birthTime value="19900203"/></patient></patientRole></recordTarget>
<component><structuredBody><component><section><code code="11450-4"/><title>Problems</title>
<text>{CANARY} <content ID="p1">Seizures</content></text><entry><act>
<statusCode code="active"/><entryRelationship>
<observation negationInd="true"><id root="5"/><effectiveTime><low value="2019"/></effectiveTime>
<value xsi:type="CD" code="1" codeSystem="2.16.840.1.113883.6.96"><originalText><reference value="#p1"/>
</originalText></value></observation></entryRelationship></act></entry></section></component>
<component><section><code code="30954-2"/><text>Hb</text><entry><organizer>
<component><observation><id root="6"/>
<code code="718-7" codeSystem="2.16.840.1.113883.6.1" displayName="{CANARY}"/><value xsi:type="PQ" value="9.5"
unit="g/dL"/></observation></component></organizer></entry></section></component></structuredBody></component>
</ClinicalDocument>"""
MESSAGE = (
    "MSH|^~\\&|LAB|H|APP|H|20200102||ORU^R01|1|P|2.5|||||||UNICODE UTF-8\r"
    f"PID|||7^^^&1.2.3&ISO^MR||{CANARY}^Ada||19900203|F\rPV1||I|||||||||||||||||V1|\r"
    "OBR|1||F1|CBC^Blood count^L|||20200102\rOBX|1|NM|718-7^Hb^LN||9.5|g/dL|12-16|L|||F\r"
    f"OBX|2|TX|R^Report^L||{CANARY} has \\T\\ seizures.~No fever.||||||F\r"
    "AL1|1||^Nuts\rDG1|1||G40^Epilepsy^I10\r"
)


def seeds() -> dict[str, bytes]:
    """File name to content, one of each kind that is read."""
    lines = b"".join(json.dumps(r).encode() + b"\n" for r in resources())
    whole = json.dumps(bundle()).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/bundle.json", whole)
        archive.writestr("in/note.txt", CANARY)
        archive.writestr("in/lines.ndjson.gz", gzip.compress(lines))
    return {
        "bundle.json": whole,
        "lines.ndjson": lines,
        "lines.ndjson.gz": gzip.compress(lines),
        "packet.json": json.dumps(phenopacket()).encode(),
        "packets.jsonl": b"".join(json.dumps(phenopacket()).encode() + b"\n" for _ in range(3)),
        "table.csv": TABLE.encode(),
        "note.txt": f"{CANARY} has seizures, no fever.".encode(),
        "all.zip": packed.getvalue(),
        "document.xml": DOCUMENT.encode(),
        "message.hl7": MESSAGE.encode(),
    }


def spoilt_bytes(data: bytes, dice: random.Random) -> bytes:
    """Bytes flipped, cut, doubled, inserted, moved, or written in another encoding."""
    spoilt = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 5])):
        at = dice.randrange(len(spoilt) + 1)
        kind = dice.randrange(7)
        if kind == 0 and at < len(spoilt):
            spoilt[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del spoilt[at:]
        elif kind == 2:
            del spoilt[at : at + dice.choice([1, 3, 40])]
        elif kind == 3:
            spoilt[at:at] = spoilt[at : at + dice.choice([1, 30, 300])]
        elif kind == 4:
            spoilt[at:at] = dice.choice(
                [b"\0", b"\xff\xfe", b'"', b"{", b"[" * 90, b"\\ud83d", b"1e999", b"\r"]
            )
        elif kind == 5:
            spoilt[:0] = b"\xef\xbb\xbf"
        else:
            encoding = dice.choice(["utf-16", "utf-32", "utf-16-be", "cp1252"])
            spoilt = bytearray(bytes(spoilt).decode("utf-8", "ignore").encode(encoding, "ignore"))
    return bytes(spoilt)


def spoilt_tree(value: Any, dice: random.Random) -> Any:
    """A JSON value with some nodes exchanged for odd ones."""
    if dice.random() < 0.04:
        return dice.choice(ODD_VALUES)
    if isinstance(value, dict):
        kept = {k: spoilt_tree(v, dice) for k, v in value.items() if dice.random() > 0.03}
        return (
            {**kept, dice.choice(list(value) or ["x"]): dice.choice(ODD_VALUES)}
            if dice.random() < 0.05
            else kept
        )
    return [spoilt_tree(v, dice) for v in value] if isinstance(value, list) else value
