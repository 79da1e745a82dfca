"""Reads GA4GH phenopackets v2 (schema 2.0, JSON): a person, her features and her diagnoses."""

from typing import Any

from app.clinical.ids import PatientId, RecordId, record_id
from app.clinical.patient import Identifier, Patient
from app.clinical.record import Coding, Condition, PhenotypicFeature
from app.exchange.fhir_fields import Fields, string
from app.exchange.item import ImportedItem
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.term import TermId

Json = dict[str, Any]


def is_phenopacket(value: Any) -> bool:
    """Whether a JSON object has a phenopacket's shape."""
    return (
        isinstance(value, dict)
        and "resourceType" not in value
        and ("phenotypicFeatures" in value or ("subject" in value and "metaData" in value))
    )


def is_packet_group(value: Any) -> bool:
    """Whether a JSON object is a cohort (`members`) or a family (`proband`)."""
    return isinstance(value, dict) and ("members" in value or is_phenopacket(value.get("proband")))


def packets_in(value: Json) -> list[Json]:
    """The phenopackets of a packet, a cohort or a family."""
    if is_phenopacket(value):
        return [value]
    group = [value["proband"]] if "proband" in value else value.get("members")
    return [p for p in group if is_phenopacket(p)] if isinstance(group, list) else []


def read_phenopacket(packet: Json, *, place: str) -> ImportedItem:
    """One packet as one item."""
    f = Fields(packet)
    subject = Fields(f.map("subject"))
    own = subject.text("id") or f.text("id")
    if not own:
        return ImportedItem("Phenopacket", place, skipped="neither it nor its subject has an id")
    patient_id = PatientId(record_id("phenopacket", f.text("id"), own))
    patient = Patient(
        id=patient_id,
        name=own,
        birth_date=subject.text("dateOfBirth")[:10],
        sex=Sex(subject.text("sex")) if subject.text("sex") in set(Sex) else Sex.UNKNOWN,
        identifiers=(Identifier("urn:phenopacket", f.text("id") or own),),
    )
    features, remarks = _features(f, patient_id)
    return ImportedItem("Phenopacket", place, (patient, *features, *_diseases(f, patient_id)), "", remarks)


def age_of(packet: Json) -> str:
    """The subject's age at the last encounter as an ISO 8601 duration, or empty."""
    moment = Fields(Fields(packet).map("subject")).map("timeAtLastEncounter")
    return string(moment.get("age"), "iso8601duration") or string(moment, "iso8601duration")


def _features(f: Fields, patient_id: PatientId) -> tuple[list[PhenotypicFeature], tuple[str, ...]]:
    found: list[PhenotypicFeature] = []
    remarks: list[str] = []
    for entry in f.maps("phenotypicFeatures"):
        feature = Fields(entry)
        term = string(feature.map("type"), "id")
        if not term.startswith("HP:"):
            remarks.append("a feature without an HPO id was left out")
            continue
        state = FindingState.EXCLUDED if feature.flag("excluded") else FindingState.OBSERVED
        identity = RecordId(record_id("feature", patient_id, term, state))
        finding = Finding(TermId(term), state)
        found.append(PhenotypicFeature(identity, patient_id, finding, string(feature.map("type"), "label")))
    return found, tuple(remarks)


def _diseases(f: Fields, patient_id: PatientId) -> list[Condition]:
    listed = [d.get("term") for d in f.maps("diseases") if d.get("excluded") is not True]
    for interpretation in f.maps("interpretations"):
        listed.append(Fields(interpretation).map("diagnosis").get("disease"))
    found: dict[str, Condition] = {}
    for term in listed:
        code, name = string(term, "id"), string(term, "label")
        if code or name:
            identity = RecordId(record_id("disease", patient_id, code or name))
            coding = (Coding(code.split(":")[0], code, name),) if code else ()
            found.setdefault(identity, Condition(identity, patient_id, name or code, coding))
    return list(found.values())
