"""What a FHIR observation measured: its value, the range that applies to this person, and the flag."""

from typing import Any

from app.clinical.patient import Patient
from app.clinical.record import Quantity, ReferenceRange
from app.exchange.fhir_fields import Fields, Json, codings, finite, label, period, string
from knowledge_graph.findings.finding import Sex

# HL7 ObservationInterpretation codes that say on which side of normal a value lies, or that it is normal.
_FLAGS = {"L", "LL", "LU", "<", "H", "HH", "HU", ">", "N", "A", "AA", "POS", "NEG", "IND", "DET", "ND"}
_WORDS = {
    "low": "L",
    "below low normal": "L",
    "below normal": "L",
    "281300000": "L",
    "high": "H",
    "above high normal": "H",
    "above normal": "H",
    "281302008": "H",
    "normal": "N",
    "17621005": "N",
    "abnormal": "A",
    "263654008": "A",
}
_SEXES = {"female": Sex.FEMALE, "male": Sex.MALE, "248152002": Sex.FEMALE, "248153007": Sex.MALE}
_SEXES |= {"f": Sex.FEMALE, "m": Sex.MALE}
_NORMAL = {"", "normal", "recommended"}


def observed_value(f: Fields) -> tuple[Quantity | None, str]:
    """(amount, text) of `value[x]`; where there is none, the text says why (`dataAbsentReason`)."""
    amount = quantity(f.map("valueQuantity"))
    if f.has("valueQuantity") and amount is None:
        f.remarks.append("valueQuantity")
    whole = f.number("valueInteger")
    if amount is None and whole is not None:
        amount = Quantity(whole)
    text = _value_text(f)
    absent = label(f.map("dataAbsentReason"))
    if amount is None and not text and absent:
        text = f"no value: {absent}"
    return amount, text


def _value_text(f: Fields) -> str:
    if f.has("valueBoolean"):
        return "yes" if f.flag("valueBoolean") else "no"
    plain = f.first_text("valueString", "valueDateTime", "valueTime")
    parts = (
        label(f.map("valueCodeableConcept")),
        span_text(f.map("valueRange")),
        _ratio(f.map("valueRatio")),
        " to ".join(filter(None, period(f.map("valuePeriod")))),
    )
    return plain or next(filter(None, parts), "")


def quantity(value: Any) -> Quantity | None:
    """A Quantity with a numeric value."""
    amount = finite(value.get("value")) if isinstance(value, dict) else None
    if amount is None:
        return None
    return Quantity(amount, string(value, "unit") or string(value, "code"), string(value, "comparator"))


def shown(value: Any) -> str:
    """A Quantity as a person would write it."""
    amount = quantity(value)
    return f"{amount.comparator}{amount.value:.12g} {amount.unit}".strip() if amount else ""


def span_text(value: Json) -> str:
    """A Range as a person would write it."""
    low, high = shown(value.get("low")), shown(value.get("high"))
    return f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}" if high else ""


def _ratio(value: Json) -> str:
    parts = [shown(value.get(name)) for name in ("numerator", "denominator")]
    return ":".join(parts) if all(parts) else ""


def interpretation(concepts: list[Json]) -> str:
    """The HL7 flag where one can be told (also from its SNOMED code or word), else the words."""
    for concept in concepts:
        for said in (*(c.code for c in codings(concept)), label(concept)):
            flag = _WORDS.get(said.strip().casefold(), said.strip().upper())
            if flag in _FLAGS:
                return flag
    return next((label(concept) for concept in concepts if label(concept)), "")


def reference_range(
    ranges: list[Json], amount: Quantity | None, patient: Patient | None
) -> ReferenceRange | None:
    """The normal range for this person; bounds only where they are certain and in the value's unit.

    Of several ranges those for another sex, and those that are no normal range, do not count; where more than
    one is left, a person reads them as text and no program compares with them.
    """
    fitting = [entry for entry in ranges if _is_normal(entry) and _is_for(entry, patient)]
    found = [r for entry in fitting if (r := _one_range(entry, amount))]
    restricted = any("age" in entry for entry in fitting)
    if len(found) == 1 and (len(ranges) == 1 or not restricted):
        return found[0]
    every = "; ".join(filter(None, (_told(entry) for entry in fitting or ranges)))
    return ReferenceRange(text=every) if every else None


def _is_normal(entry: Json) -> bool:
    kinds = {c.code for c in codings(entry.get("type"))} or {label(entry.get("type")).casefold()}
    return bool(kinds & _NORMAL)


def _is_for(entry: Json, patient: Patient | None) -> bool:
    listed = entry.get("appliesTo")
    said = {
        word.casefold()
        for concept in (listed if isinstance(listed, list) else [])
        for word in (
            label(concept),
            *(c.code for c in codings(concept)),
            *(c.display for c in codings(concept)),
        )
    }
    sexes = {_SEXES[word] for word in said if word in _SEXES}
    known = patient is not None and patient.sex in (Sex.FEMALE, Sex.MALE)
    return not sexes or not known or (patient is not None and patient.sex in sexes)


def _one_range(entry: Json, amount: Quantity | None) -> ReferenceRange | None:
    low, high = quantity(entry.get("low")), quantity(entry.get("high"))
    units = {bound.unit for bound in (low, high, amount) if bound and bound.unit}
    if len({unit.casefold().replace(" ", "") for unit in units}) > 1:
        return ReferenceRange(text=_told(entry))
    if low or high or string(entry, "text"):
        return ReferenceRange(low.value if low else None, high.value if high else None, string(entry, "text"))
    return None


def _told(entry: Json) -> str:
    listed = entry.get("appliesTo")
    whom = ", ".join(label(c) for c in listed if label(c)) if isinstance(listed, list) else ""
    age = entry.get("age")
    years = span_text(age) if isinstance(age, dict) else ""
    span = string(entry, "text") or span_text(entry)
    return f"{', '.join(filter(None, (whom, years)))}: {span}" if span and (whom or years) else span
