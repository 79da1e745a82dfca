"""How old the subject of a phenopacket was when last seen, in whichever form it is written.

GA4GH's TimeElement (version 2), or the ageAtCollection of version 1. A range and a class of onset give
the middle of what they allow.
"""

from typing import Any

from app.clinical.age import iso_duration_days
from app.exchange.fhir_fields import Fields, string
from app.exchange.phenopacket import camel_keys
from app.exchange.phenopacket_time import onset_days

# HPO's onset classes by their definitions; the middle of each, in years.
_ONSET_YEARS = {
    "HP:0003623": 0.04,  # neonatal
    "HP:0003593": 0.5,  # infantile
    "HP:0011463": 3.0,  # childhood
    "HP:0003621": 10.0,  # juvenile
    "HP:0003581": 30.0,  # adult
    "HP:0011462": 28.0,  # young adult
    "HP:0003596": 50.0,  # middle age
    "HP:0003584": 65.0,  # late
}


def subject_age_days(packet: dict[str, Any]) -> int | None:
    """Her age in days; None where nothing says it."""
    subject = Fields(Fields(camel_keys(packet)).map("subject"))
    born = subject.text("dateOfBirth")[:10]
    moments = (subject.map("timeAtLastEncounter"), subject.map("ageAtCollection"))
    return next((age for age in (_of_moment(Fields(m), born) for m in moments) if age is not None), None)


def _of_moment(moment: Fields, born: str) -> int | None:
    said = (
        string(moment.map("age"), "iso8601duration") or moment.text("iso8601duration") or moment.text("age")
    )
    own = iso_duration_days(said)
    if own is not None:
        return own
    ages = Fields(moment.map("ageRange"))
    ends = [_duration_of(ages.map(side)) for side in ("start", "end")]
    known = [days for days in ends if days is not None]
    if known:
        return round(sum(known) / len(known))
    years = _ONSET_YEARS.get(string(moment.map("ontologyClass"), "id"))
    if years is not None:
        return round(years * 365.25)
    span = Fields(moment.map("interval"))
    seen = moment.text("timestamp") or span.text("end") or span.text("start")
    named = {name: moment.map(name) for name in ("ontologyClass", "gestationalAge")}
    return onset_days({**named, "timestamp": seen}, born)


def _duration_of(end: dict[str, Any]) -> int | None:
    return iso_duration_days(string(end, "iso8601duration") or string(end, "age"))
