"""Reads one phenopacket file as what a diagnosis is asked about, without a vault."""

from datetime import date
from pathlib import Path

from app.clinical.age import age_days, iso_duration_days
from app.clinical.patient import Patient
from app.clinical.record import PhenotypicFeature
from app.errors import ImportRefused
from app.exchange.item import ReadLimits
from app.exchange.phenopacket import age_of, packets_in, read_phenopacket
from app.exchange.source_file import SourceFile
from app.exchange.strict_json import load_json
from app.workflows.diagnose import Presentation


def present_phenopacket(path: Path, *, today: date) -> Presentation:
    """The features, sex and age of the file's first phenopacket. Raises ImportRefused."""
    try:
        value = load_json(SourceFile(path).read(ReadLimits()), name=path.name)
    except OSError as error:
        raise ImportRefused(f"{path.name}: cannot be read; check the path") from error
    packets = packets_in(value) if isinstance(value, (dict, list)) else []
    if not packets:
        raise ImportRefused(f"{path.name}: this is no GA4GH phenopacket; import FHIR into a vault instead")
    own = packets[0].get("id")
    named = {**packets[0], "id": own if isinstance(own, str) and own else "unnamed"}
    item = read_phenopacket(named, place="packet 0")
    if item.skipped:
        raise ImportRefused(f"{path.name}: {item.skipped}")
    patient = next(r for r in item.records if isinstance(r, Patient))
    features = tuple(r.finding for r in item.records if isinstance(r, PhenotypicFeature))
    age = iso_duration_days(age_of(packets[0]))
    if age is None:
        age = age_days(patient.birth_date, today)
    return Presentation(features, (), patient.sex, age)
