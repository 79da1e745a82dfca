"""The first phenopacket of a file, as one item, and how old its subject is."""

from app.errors import ImportRefused
from app.exchange.item import ImportedItem
from app.exchange.phenopacket import packets_in, read_phenopacket
from app.exchange.phenopacket_age import subject_age_days
from app.exchange.strict_json import load_json


def first_packet(data: bytes, *, name: str) -> tuple[ImportedItem, int | None]:
    """The item and the age in days, where the packet says it. Raises ImportRefused."""
    value = load_json(data, name=name)
    packets = packets_in(value) if isinstance(value, (dict, list)) else []
    if not packets:
        raise ImportRefused(f"{name}: this is no GA4GH phenopacket; import FHIR into a vault instead")
    own = packets[0].get("id")
    named = {**packets[0], "id": own if isinstance(own, str) and own else "unnamed"}
    item = read_phenopacket(named, place="packet 0")
    if item.skipped:
        raise ImportRefused(f"{name}: {item.skipped}")
    return item, subject_age_days(packets[0])
