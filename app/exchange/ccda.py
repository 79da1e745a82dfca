"""Reads a C-CDA document (CDA R2 XML) as the FHIR resources that say the same.

Each section's narrative becomes part of one note; the coded entries of the sections that a diagnosis uses
become records. Document type declarations and entities are refused.
"""

import io
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from app.errors import ImportRefused
from app.exchange.ccda_entry import (
    Maker,
    allergies,
    attached_documents,
    encounters,
    family,
    medications,
    problems,
    procedures,
    results,
)
from app.exchange.ccda_value import span_of, system_of, time_of
from app.exchange.fhir_fields import Json
from app.exchange.fhir_stream import PlacedResource
from app.exchange.strict_json import storable_text

DEEPEST = 100
_GENDER = {"F": "female", "M": "male", "UN": "other"}
_MAKERS: dict[str, Maker] = {
    "11450-4": problems,
    "11348-0": problems,
    "30954-2": results,
    "8716-3": results,
    "10160-0": medications,
    "48765-2": allergies,
    "47519-4": procedures,
    "10157-6": family,
    "46240-8": encounters,
}
_CODES = ("code", "medicationCodeableConcept", "relationship", "type")
_TIMES = ("onsetDateTime", "effectiveDateTime", "effectivePeriod", "performedPeriod", "period", "date")
PATIENT: Json = {"reference": "Patient/recordTarget"}


def ccda_resources(data: bytes, *, name: str) -> Iterator[PlacedResource]:
    """The patient, the narrative and the coded entries of a document. Raises ImportRefused."""
    root = _parsed(data, name)
    if root.tag != "ClinicalDocument":
        raise ImportRefused(
            f"{name}: a part of a C-CDA document without its patient; send the whole document"
        )
    role = root.find("recordTarget/patientRole")
    if role is None or len(root.findall("recordTarget")) > 1:
        raise ImportRefused(f"{name}: the document does not name one patient; export it for one patient")
    yield PlacedResource("patient", _patient(role), also=(PATIENT["reference"],))
    yield PlacedResource("narrative", _composition(root))
    known: dict[str, Json] = {}
    for place, entry in _entries(root):
        resource = {**entry, "id": _identity(entry, known)}
        whose = (
            "patient"
            if resource["resourceType"] in ("AllergyIntolerance", "FamilyMemberHistory")
            else "subject"
        )
        yield PlacedResource(place, {**resource, whose: PATIENT})


def _parsed(data: bytes, name: str) -> Element:
    """The tree without namespaces, whose depth and declarations are bounded while it is read."""
    root: Element | None = None
    depth = 0
    try:
        for event, element in iterparse(io.BytesIO(data), events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if depth > DEEPEST:
                raise ImportRefused(
                    f"{name}: nested deeper than {DEEPEST} levels; it is not a clinical record"
                )
            if event == "end":
                continue
            root = element if root is None else root
            element.tag = element.tag.rpartition("}")[2]
            for key in [k for k in element.attrib if "}" in k]:
                element.attrib[key.rpartition("}")[2]] = element.attrib.pop(key)
    except DefusedXmlException as error:
        raise ImportRefused(
            f"{name}: it declares a document type or entities; don't trust this file"
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise ImportRefused(f"{name}: not valid XML or cut short; export it again") from error
    if root is None:
        raise ImportRefused(f"{name}: the file is empty; export it again")
    return root


def _patient(role: Element) -> Json:
    person = role.find("patient")
    identifiers = [
        {"system": system_of(i.get("root", "")), "value": i.get("extension")}
        for i in role.findall("id")
        if i.get("extension") and i.get("root")
    ]
    made: Json = {"resourceType": "Patient", "identifier": identifiers}
    if person is None:
        return made
    names = [_name(name) for name in person.findall("name")]
    gender, born = person.find("administrativeGenderCode"), person.find("birthTime")
    made["name"] = [name for name in names if name]
    made["gender"] = _GENDER.get(gender.get("code", ""), "unknown") if gender is not None else "unknown"
    made["birthDate"] = time_of(born.get("value", ""))[:10] if born is not None else ""
    died, ended = person.find("deceasedInd"), person.find("deceasedTime")
    if ended is not None and ended.get("value"):
        made["deceasedDateTime"] = time_of(ended.get("value", ""))
    elif died is not None:
        made["deceasedBoolean"] = died.get("value") == "true"
    return made if identifiers else {**made, "id": repr(sorted(made.items(), key=str))}


def _name(name: Element) -> Json:
    given = [storable_text(g.text.strip()) for g in name.findall("given") if g.text]
    family = " ".join(f.text.strip() for f in name.findall("family") if f.text)
    if not given and not family:
        return {"text": " ".join("".join(name.itertext()).split())}
    return {
        "given": given,
        "family": storable_text(family),
        "use": "official" if name.get("use") == "L" else "",
    }


def _composition(root: Element) -> Json:
    sections = [
        {
            "title": "".join(title.itertext()).strip() if title is not None else "",
            "text": {"div": _markup(text)},
        }
        for section in root.iter("section")
        for title, text in [(section.find("title"), section.find("text"))]
        if text is not None
    ]
    title, identity = root.find("title"), root.find("id")
    when, _ = span_of(root.find("effectiveTime"))
    made = {
        "resourceType": "Composition",
        "title": " ".join("".join(title.itertext()).split()) if title is not None else "Document",
        "date": when,
        "section": sections,
        "subject": PATIENT,
    }
    named = (
        ".".join(filter(None, (identity.get("root"), identity.get("extension"))))
        if identity is not None
        else ""
    )
    return {**made, "id": named} if named else made


def _identity(resource: Json, known: dict[str, Json]) -> str:
    """Many systems give several entries, or every document, one id: what it is of, and when, count too.

    A later document that says more of the same thing then replaces it, and nothing else.
    """
    code: Json = next((resource[name] for name in _CODES if name in resource), {})
    times = [resource[name] for name in _TIMES if name in resource]
    first = next((t if isinstance(t, str) else t.get("start", "") for t in times), "")
    whole = {key: value for key, value in resource.items() if key != "id"}
    identity = f"{resource.get('id', '')}|{code}|{first}"
    if known.setdefault(identity, whole) != whole:
        identity = f"{identity}|{whole}"
    return identity


def _markup(text: Element) -> str:
    return tostring(text, encoding="unicode")


def _entries(root: Element) -> Iterator[tuple[str, Json]]:
    """(place, resource) of every entry of a section that is read, and of an unstructured body."""
    body = root.find("component/nonXMLBody/text")
    if body is not None:
        data = {"contentType": body.get("mediaType", ""), "data": "".join(body.itertext())}
        content = [{"attachment": data}]
        yield "body", {"resourceType": "DocumentReference", "content": content, "type": {"text": "Document"}}
    for section in root.iter("section"):
        code = section.find("code")
        kind = code.get("code", "") if code is not None else ""
        texts = {
            e.get("ID", ""): " ".join("".join(e.itertext()).split()) for e in section.iter() if e.get("ID")
        }
        for number, entry in enumerate(section.findall("entry")):
            for make in filter(None, (_MAKERS.get(kind), attached_documents)):
                for resource in make(entry, texts):
                    yield f"section {kind} entry {number}", _filled(resource)


def _filled(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if value not in ("", {}, [], None)}
