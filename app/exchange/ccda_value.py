"""HL7 CDA data types as the fields of FHIR resources: codes, times, quantities, intervals."""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from app.exchange.fhir_fields import Json
from app.exchange.fhir_patient import is_partial_date

SYSTEMS = {
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "2.16.840.1.113883.6.103": "http://hl7.org/fhir/sid/icd-9-cm",
    "2.16.840.1.113883.6.12": "http://www.ama-assn.org/go/cpt",
}
_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?)?(?:\.\d+)?([+-]\d{4})?")
Texts = Mapping[str, str]


def system_of(oid: str) -> str:
    """The URI of a code system or of an issuer of numbers."""
    return SYSTEMS.get(oid) or (f"urn:oid:{oid}" if oid else "")


def time_of(value: str) -> str:
    """`20151201160506-0500` in ISO 8601; empty where it is none."""
    match = _TIME.match(value.strip())
    if match is None:
        return ""
    year, month, day, hour, minute, second, zone = match.groups()
    on = "-".join(part for part in (year, month, day if month else None) if part)
    if not is_partial_date(on):
        return ""
    second = second or "00"
    if not (day and hour and hour < "24" and minute < "60" and second < "60"):
        return on
    offset = f"{zone[:3]}:{zone[3:]}" if zone else ""
    return f"{on}T{hour}:{minute}:{second}{offset}"


def span_of(element: Element | None) -> tuple[str, str]:
    """Start and end of an `effectiveTime`; a point in time is its own start."""
    if element is None:
        return "", ""
    low, high = (_attribute(element.find(name), "value") for name in ("low", "high"))
    point = element.get("value") or _attribute(element.find("center"), "value")
    return time_of(low or point or ""), time_of(high)


def concept(element: Element | None, texts: Texts) -> Json:
    """A coded element with its translations; its text is what the narrative says."""
    if element is None:
        return {}
    codes = [e for e in (element, *element.iter("translation")) if e.get("code")]
    coding = [
        {
            "system": system_of(code.get("codeSystem", "")),
            "code": code.get("code"),
            "display": code.get("displayName", ""),
        }
        for code in codes
    ]
    shown = next((c.get("displayName") for c in codes if c.get("displayName")), "")
    text = shown or told(element.find("originalText"), texts)
    return {"coding": coding, "text": text} if coding or text else {}


def told(element: Element | None, texts: Texts) -> str:
    """The words of an element, or of the part of the narrative that it points to."""
    if element is None:
        return ""
    pointer = element.find("reference")
    target = _attribute(pointer, "value") or (element.get("value", "") if element.tag == "reference" else "")
    own = " ".join("".join(element.itertext()).split())
    return own or texts.get(target.removeprefix("#"), "")


def value_of(element: Element | None, texts: Texts) -> Json:
    """`value` of an observation as the matching `value[x]`."""
    if element is None:
        return {}
    kind = element.get("type", "")
    if element.get("nullFlavor") and not element.get("value") and kind in ("PQ", "INT", "REAL"):
        return _translated(element, texts)
    if kind in ("PQ", "INT", "REAL", "MO"):
        amount = quantity(element)
        return {"valueQuantity": amount} if amount else {"valueString": element.get("value", "")}
    if kind.startswith("IVL"):
        return _bounded(element)
    if kind == "BL":
        return {"valueBoolean": element.get("value") == "true"}
    if kind == "TS":
        return {"valueDateTime": time_of(element.get("value", ""))}
    coded = concept(element, texts)
    return {"valueCodeableConcept": coded} if coded else {"valueString": told(element, texts)}


def _translated(element: Element, texts: Texts) -> Json:
    """A quantity in a unit that UCUM does not know stands in the translation."""
    other = element.find("translation")
    amount = quantity(other)
    if amount:
        unit = told(other.find("originalText"), texts) if other is not None else ""
        return {"valueQuantity": {**amount, "unit": unit or amount["unit"]}}
    coded = concept(element, texts)
    return {"valueCodeableConcept": coded} if coded else {"dataAbsentReason": {"text": "not given"}}


def quantity(element: Element | None) -> Json:
    """A physical quantity; empty where its value is no number."""
    try:
        amount = float(_attribute(element, "value"))
    except ValueError:
        return {}
    unit = _attribute(element, "unit")
    return {"value": amount, "unit": "" if unit == "1" else unit}


def _bounded(element: Element) -> Json:
    """An interval with one open end is a value that is only known to lie beyond it."""
    low, high = quantity(element.find("low")), quantity(element.find("high"))
    if high and (not low or low["value"] == 0):
        return {"valueQuantity": {**high, "comparator": _comparator(element.find("high"), "<")}}
    if low and not high:
        return {"valueQuantity": {**low, "comparator": _comparator(element.find("low"), ">")}}
    return {"valueRange": {"low": low, "high": high}} if low else {}


def _comparator(bound: Element | None, sign: str) -> str:
    return sign if _attribute(bound, "inclusive") == "false" else f"{sign}="


def _attribute(element: Element | None, name: str) -> str:
    return element.get(name, "") if element is not None else ""
