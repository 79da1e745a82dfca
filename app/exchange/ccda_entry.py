"""Entries of C-CDA sections as the FHIR resources that say the same (HL7 "C-CDA on FHIR" mapping)."""

from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from app.exchange.ccda_value import Texts, concept, quantity, span_of, told, value_of
from app.exchange.fhir_fields import Json

# SNOMED codes that stand for "anything of the kind": negated, they say that nothing is known.
_ANYTHING = {
    "410942007",
    "55607006",
    "64572001",
    "404684003",
    "409586006",
    "105590001",
    "416098002",
    "419199007",
}
_STATUS = {"active": "preliminary", "aborted": "cancelled", "cancelled": "cancelled", "completed": "final"}
Maker = Callable[[Element, Texts], Iterator[Json]]


def problems(entry: Element, texts: Texts) -> Iterator[Json]:
    """Conditions: negated ones are refuted; "no known problems" names none and is left to the narrative."""
    for seen in entry.iter("observation"):
        code = concept(seen.find("value"), texts)
        if not code or _is(seen, "33999-4") or seen.find("value").get("type") not in (None, "CD", "CE"):  # type: ignore[union-attr]
            continue
        negated = seen.get("negationInd") == "true"
        if negated and _generic(code):
            continue
        start, end = span_of(seen.find("effectiveTime"))
        made = {**_own("Condition", seen), "code": code, "onsetDateTime": start, "abatementDateTime": end}
        made["verificationStatus"] = _code("refuted" if negated else "")
        made["clinicalStatus"] = _code(_problem_status(entry, seen, end))
        yield made


def results(entry: Element, texts: Texts) -> Iterator[Json]:
    """Observations of results and vital signs, also those in panels."""
    # What lies deeper tells more of an observation, such as the words of its unit.
    for seen in (*entry.findall("observation"), *entry.findall(".//component/observation")):
        if seen.get("negationInd") == "true" or seen.find("code") is None:
            continue
        start, _ = span_of(seen.find("effectiveTime"))
        status = _attribute(seen.find("statusCode"), "code")
        code, value = concept(seen.find("code"), texts), value_of(seen.find("value"), texts)
        if not code and not value:
            continue
        yield {
            **_own("Observation", seen),
            "status": _STATUS.get(status, "unknown"),
            "code": code,
            "effectiveDateTime": start or _panel_time(entry),
            **value,
            "interpretation": [concept(code, texts) for code in seen.findall("interpretationCode")],
            "referenceRange": [
                _range(span, texts) for span in seen.findall("referenceRange/observationRange")
            ],
        }


def medications(entry: Element, texts: Texts) -> Iterator[Json]:
    """Medications as they are taken; a negated one is not taken."""
    for given in entry.iter("substanceAdministration"):
        material = given.find("consumable/manufacturedProduct/manufacturedMaterial")
        code = concept(material.find("code"), texts) if material is not None else {}
        named = told(material.find("name"), texts) if material is not None else ""
        if not (code or named) or _generic(code) or given.get("moodCode") not in (None, "EVN", "INT"):
            continue
        start, end = span_of(given.find("effectiveTime"))
        dose = quantity(given.find("doseQuantity"))
        status = _attribute(given.find("statusCode"), "code")
        yield {
            **_own("MedicationStatement", given),
            "status": "not-taken" if given.get("negationInd") == "true" else status,
            "medicationCodeableConcept": code or {"text": named},
            "effectivePeriod": {"start": start, "end": end},
            "dosage": [{"text": f"{dose['value']:g} {dose['unit']}".strip()}] if dose else [],
        }


def allergies(entry: Element, texts: Texts) -> Iterator[Json]:
    """Allergies with their reactions; "no known allergies" is a record of its own."""
    for seen in entry.findall(".//entryRelationship/observation"):
        agent = seen.find("participant/participantRole/playingEntity")
        if agent is None and not _has_template(seen, "2.16.840.1.113883.10.20.22.4.7"):
            continue
        code = concept(agent.find("code"), texts) if agent is not None else {}
        code = code or ({"text": told(agent.find("name"), texts)} if agent is not None else {})
        negated = seen.get("negationInd") == "true"
        if negated and (_generic(code) or not code.get("text")):
            code, negated = {"text": "No known allergies"}, False
        start, _ = span_of(seen.find("effectiveTime"))
        reactions = [
            concept(r.find("value"), texts)
            for r in seen.findall("entryRelationship[@typeCode='MFST']/observation")
        ]
        yield {
            **_own("AllergyIntolerance", seen),
            "code": code or concept(seen.find("value"), texts),
            "onsetDateTime": start,
            "verificationStatus": _code("refuted" if negated else ""),
            "reaction": [{"manifestation": [reaction]} for reaction in reactions if reaction],
        }


def procedures(entry: Element, texts: Texts) -> Iterator[Json]:
    """What was done; what is only planned is left out, what was not done says so."""
    for done in entry:
        if done.tag in ("procedure", "act", "observation") and done.get("moodCode") == "EVN":
            code = concept(done.find("code"), texts)
            start, end = span_of(done.find("effectiveTime"))
            negated = done.get("negationInd") == "true"
            status = "not-done" if negated else _attribute(done.find("statusCode"), "code")
            if code:
                period = {"performedPeriod": {"start": start, "end": end}}
                yield {**_own("Procedure", done), "code": code, "status": status, **period}


def family(entry: Element, texts: Texts) -> Iterator[Json]:
    """A relative and her conditions; what she is said not to have is left out."""
    for group in entry.iter("organizer"):
        related = group.find("subject/relatedSubject")
        if related is None:
            continue
        conditions = []
        for seen in group.findall("component/observation"):
            code = concept(seen.find("value"), texts)
            ages = [o for o in seen.findall("entryRelationship/observation") if _is(o, "445518008")]
            age = quantity(ages[0].find("value")) if ages else {}
            if code and seen.get("negationInd") != "true":
                conditions.append({"code": code, **({"onsetAge": age} if age else {})})
        died = _attribute(related.find("subject/deceasedInd"), "value") == "true"
        yield {
            **_own("FamilyMemberHistory", group),
            "status": "completed",
            "relationship": concept(related.find("code"), texts),
            "condition": conditions,
            "deceasedBoolean": died or related.find("subject/deceasedTime") is not None,
        }


def encounters(entry: Element, texts: Texts) -> Iterator[Json]:
    """Visits and stays."""
    for visit in entry.findall("encounter"):
        start, end = span_of(visit.find("effectiveTime"))
        code = concept(visit.find("code"), texts)
        yield {
            **_own("Encounter", visit),
            "class": {"code": "AMB"},
            "type": [code] if code else [],
            "period": {"start": start, "end": end},
        }


def attached_documents(entry: Element, _texts: Texts) -> Iterator[Json]:
    """Notes that come in base64 inside an entry; others stand in the narrative."""
    for act in entry.iter("act"):
        text = act.find("text")
        if text is not None and text.get("representation") == "B64":
            data = {"contentType": text.get("mediaType", ""), "data": "".join(text.itertext())}
            title = _attribute(act.find("code"), "displayName")
            when, _ = span_of(act.find("effectiveTime"))
            yield {
                **_own("DocumentReference", act),
                "date": when,
                "type": {"text": title},
                "content": [{"attachment": data}],
            }


def _own(kind: str, element: Element) -> Json:
    """The resource's type, and the id that the document gave the entry."""
    identity = element.find("id")
    parts = [_attribute(identity, name) for name in ("root", "extension")]
    named = ".".join(filter(None, parts))
    return {"resourceType": kind, **({"id": named} if named else {})}


def _problem_status(entry: Element, seen: Element, end: str) -> str:
    for status in seen.findall("entryRelationship/observation"):
        value = status.find("value")
        if _is(status, "33999-4") and value is not None:
            return value.get("displayName", "").casefold()
    concern = _attribute(entry.find("act/statusCode"), "code")
    return "resolved" if end else "active" if concern == "active" else ""


def _range(span: Element, texts: Texts) -> Json:
    value = span.find("value")
    ends = {name: quantity(value.find(name)) for name in ("low", "high")} if value is not None else {}
    flag = _attribute(span.find("interpretationCode"), "code")
    kind = {"type": _code("normal" if flag == "N" else flag)} if flag else {}
    text = told(span.find("text"), texts)
    return {**{k: v for k, v in ends.items() if v}, **kind, **({"text": text} if text else {})}


def _panel_time(entry: Element) -> str:
    group = entry.find("organizer")
    return span_of(group.find("effectiveTime"))[0] if group is not None else ""


def _generic(code: Json) -> bool:
    return any(c.get("code") in _ANYTHING for c in code.get("coding", []))


def _code(code: str) -> Json:
    return {"coding": [{"code": code}]} if code else {}


def _is(observation: Element, code: str) -> bool:
    return _attribute(observation.find("code"), "code") == code


def _has_template(element: Element, root: str) -> bool:
    return any(template.get("root") == root for template in element.findall("templateId"))


def _attribute(element: Element | None, name: str) -> str:
    return element.get(name, "") if element is not None else ""
