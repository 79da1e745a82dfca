"""Reads GA4GH phenopackets v2 (schema 2.0, protobuf JSON): a person, her features, values and diagnoses."""

import re
from typing import Any

from app.clinical.ids import NoteId, PatientId, RecordId, record_id
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import REFUTED, Coding, Condition, PhenotypicFeature
from app.exchange.fhir_fields import Fields, Json, string
from app.exchange.item import ImportedItem
from app.exchange.phenopacket_action import measurements, medical_actions
from app.exchange.phenopacket_time import onset_days, told_time
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.term import TermId

OLD_SCHEMA = "a phenopacket of schema 1.0; this program reads 2.0: convert it with phenopacket-tools"
_SNAKE = re.compile(r"_([a-z0-9])")
_SEXES = {"FEMALE": Sex.FEMALE, "MALE": Sex.MALE, "OTHER_SEX": Sex.OTHER, "UNKNOWN_SEX": Sex.UNKNOWN}
_NUMBERED = ("UNKNOWN_SEX", "FEMALE", "MALE", "OTHER_SEX")  # protobuf JSON may give the number of a value
_WORTH = {"SOLVED": "confirmed", "COMPLETED": "provisional", "UNSOLVED": "unconfirmed"}


def is_phenopacket(value: Any) -> bool:
    """Whether a JSON object has a phenopacket's shape."""
    if not isinstance(value, dict) or "resourceType" in value:
        return False
    keys = {_camel(key) for key in value}
    about = {"subject", "diseases", "interpretations", "measurements", "medicalActions"}
    return "phenotypicFeatures" in keys or ("metaData" in keys and bool(keys & about))


def is_packet_group(value: Any) -> bool:
    """Whether a JSON value is a cohort (`members`), a family (`proband`), or a list of packets."""
    if isinstance(value, list):
        return any(is_phenopacket(v) for v in value)
    return isinstance(value, dict) and ("members" in value or is_phenopacket(value.get("proband")))


def packets_in(value: Any) -> list[Json]:
    """The phenopackets of a packet, a list, a cohort, or a family (the proband first)."""
    if is_phenopacket(value):
        return [value]
    if isinstance(value, list):
        return [p for p in value if is_phenopacket(p)]
    relatives = value.get("relatives")
    group = [value.get("proband"), *(relatives if isinstance(relatives, list) else [])]
    members = value.get("members")
    return [p for p in (members if isinstance(members, list) else group) if is_phenopacket(p)]


def read_phenopacket(packet: Json, *, place: str) -> ImportedItem:
    """One packet as one item."""
    f = Fields(camel_keys(packet))
    subject = Fields(f.map("subject"))
    own = subject.text("id") or f.text("id")
    if not own:
        return ImportedItem("Phenopacket", place, skipped="neither it nor its subject has an id")
    if _is_old(f):
        return ImportedItem("Phenopacket", place, skipped=OLD_SCHEMA)
    patient = _patient(f, subject, own)
    remarks: list[str] = []
    records = (
        patient,
        *_features(f, patient.id, remarks),
        *_diseases(f, patient, remarks),
        *measurements(f, patient, remarks),
        *medical_actions(f, patient),
        *_summaries(f, patient.id),
    )
    f.has("id", "metaData")
    said = [*(f"field {name} not read" for name in (*f.remarks, *subject.remarks)), *remarks]
    return ImportedItem("Phenopacket", place, records, "", tuple(dict.fromkeys(said)), tuple(f.unread()))


def camel_keys(value: Any) -> Any:
    """Protobuf JSON may keep the field names of the schema: `phenotypic_features`."""
    if isinstance(value, dict):
        return {_camel(key): camel_keys(inner) for key, inner in value.items()}
    return [camel_keys(inner) for inner in value] if isinstance(value, list) else value


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda match: match.group(1).upper(), name)


def _is_old(f: Fields) -> bool:
    """Schema 1.0 said `negated` where 2.0 says `excluded`: read as 2.0 it would turn a no into a yes."""
    version = string(f.map("metaData"), "phenopacketSchemaVersion")
    return version.startswith(("0.", "1.")) or any("negated" in x for x in f.maps("phenotypicFeatures"))


def _patient(f: Fields, subject: Fields, own: str) -> Patient:
    sex = subject.number("sex") if isinstance(f.map("subject").get("sex"), int) else subject.text("sex")
    if isinstance(sex, float):
        sex = _NUMBERED[int(sex)] if 0 <= sex < len(_NUMBERED) else ""
    vital = subject.map("vitalStatus")
    return Patient(
        id=PatientId(record_id("phenopacket", f.text("id"), own)),
        name=own,
        birth_date=subject.text("dateOfBirth")[:10],
        sex=_SEXES.get(sex or "", Sex.UNKNOWN),
        deceased_at=string(vital.get("timeOfDeath"), "timestamp")[:10],
        identifiers=(Identifier("urn:phenopacket", f.text("id") or own),),
        deceased=vital.get("status") in ("DECEASED", 2),
    )


def _features(f: Fields, patient_id: PatientId, remarks: list[str]) -> list[PhenotypicFeature]:
    found: list[PhenotypicFeature] = []
    for entry in f.maps("phenotypicFeatures"):
        term = string(entry.get("type"), "id").strip()
        if not term.startswith("HP:"):
            remarks.append("a feature without an HPO id was left out")
            continue
        excluded = entry.get("excluded", False)
        if not isinstance(excluded, bool):
            remarks.append("a feature that is neither excluded nor not was left out")
            continue
        state = FindingState.EXCLUDED if excluded else FindingState.OBSERVED
        finding = Finding(TermId(term), state, None if excluded else onset_days(entry.get("onset")))
        identity = RecordId(record_id("feature", patient_id, term, state))
        found.append(PhenotypicFeature(identity, patient_id, finding, string(entry.get("type"), "label")))
    return found


def _diseases(f: Fields, patient: Patient, remarks: list[str]) -> list[Condition]:
    """Diseases with their onset, and what an interpretation arrived at; the surer word stands."""
    found: dict[str, Condition] = {}
    for entry in f.maps("interpretations"):
        worth = _WORTH.get(string(entry, "progressStatus"), "provisional")
        term = Fields(entry).map("diagnosis").get("disease")
        _add_disease(found, term, patient, status=worth, onset="")
    for entry in f.maps("diseases"):
        if entry.get("excluded") not in (None, True, False):
            remarks.append("a disease that is neither excluded nor not was left out")
            continue
        status = REFUTED if entry.get("excluded") is True else ""
        onset = told_time(entry.get("onset"), patient.birth_date)
        _add_disease(found, entry.get("term"), patient, status=status, onset=onset)
    return list(found.values())


def _add_disease(
    found: dict[str, Condition], term: Any, patient: Patient, *, status: str, onset: str
) -> None:
    code, name = string(term, "id"), string(term, "label")
    if not (code or name):
        return
    identity = RecordId(record_id("disease", patient.id, code or name))
    coding = (Coding(code.split(":")[0], code, name),) if code else ()
    held = found.get(identity)
    kept = status or (held.verification_status if held else "")
    found[identity] = Condition(identity, patient.id, name or code, coding, None, onset, "", "", kept)


def _summaries(f: Fields, patient_id: PatientId) -> list[Note]:
    notes = []
    for entry in f.maps("interpretations"):
        text = string(entry, "summary")
        if text.strip():
            fresh = Note(NoteId(""), patient_id, text)
            identity = NoteId(record_id("note", patient_id, "interpretation", fresh.sha256))
            notes.append(Note(identity, patient_id, text, "Interpretation"))
    return notes
