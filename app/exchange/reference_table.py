"""Where the references of an import lead: to patients, encounters, medications and attached data.

A reference is looked up in its own file first, since "Patient/1" of one file and of another may be two
people; only a name that all files use alike leads across files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from app.clinical.ids import PatientId, record_id
from app.clinical.patient import Identifier, Patient, cannot_be_one, is_surely_one
from app.exchange.fhir_fields import Fields, Json, string
from app.exchange.fhir_patient import is_placeholder, own_numbers, patient_of
from app.exchange.fhir_stream import PlacedResource

BY_IDENTIFIER = "Patient?identifier="
LARGEST_ATTACHED = 64 << 20  # characters of base64 kept for references to Binary resources


_TWO = object()  # stands where one name means two things


class AmbiguousReference(Exception):
    """Two resources of the import are called alike, and nothing tells which one is meant."""


class ScopedNames:
    """What a reference of a file leads to: within that file, else in any other that is alone with it."""

    def __init__(self) -> None:
        self._own: dict[tuple[str, str], Any] = {}
        self._shared: dict[str, Any] = {}
        self._bases: dict[str, set[str]] = {}

    def put(self, scope: str, placed: PlacedResource, value: Any) -> None:
        """Note a resource of a file under its names."""
        for name in (*names_of(placed), *placed.also):
            self.put_name(scope, name, value)
        base, last = _split(placed.full_url)
        if base:
            self._bases.setdefault(last, set()).add(base)

    def put_name(self, scope: str, name: str, value: Any) -> None:
        """Note one name of a file."""
        if self._own.setdefault((scope, name), value) != value:
            self._own[scope, name] = _TWO
        self._share(name, value)

    def forget(self, scope: str) -> None:
        """Drop the names of a file that was refused after all."""
        self._own = {key: value for key, value in self._own.items() if key[0] != scope}
        self._shared = {}
        for (_, name), value in self._own.items():
            self._share(name, value)

    def _share(self, name: str, value: Any) -> None:
        if self._shared.setdefault(name, value) != value:
            self._shared[name] = _TWO

    def get(self, scope: str, reference: str) -> Any:
        """The value, or None. Raises AmbiguousReference."""
        plain = unquote(reference).split("/_history/")[0]
        base, last = _split(plain)
        names = [plain, last] if not base or base in self._bases.get(last, {base}) else [plain]
        found = [self._own.get((scope, name)) for name in names] + [self._shared.get(name) for name in names]
        value = next((v for v in found if v is not None), None)
        if value is _TWO:
            raise AmbiguousReference
        return value


@dataclass(slots=True)
class ReferenceTable:
    """`people` holds the patients of this import, `known` those of the vault, both by vault id.

    `unnamed` are those of whom only a number came, `partial` those that came inside another resource,
    `set_apart` those whose number somebody else carries too.
    """

    people: dict[str, Patient] = field(default_factory=dict)
    known: Mapping[str, Patient] = field(default_factory=dict)
    unnamed: set[str] = field(default_factory=set)
    partial: set[str] = field(default_factory=set)
    set_apart: set[str] = field(default_factory=set)
    _patients: ScopedNames = field(default_factory=ScopedNames)
    _resources: ScopedNames = field(default_factory=ScopedNames)
    _encounters: dict[str, str] = field(default_factory=dict)
    _placed: dict[tuple[str, str], str] = field(default_factory=dict)
    _numbers: dict[tuple[str, str], str] | None = None
    _attached: int = 0

    def learn(self, placed: PlacedResource, scope: str) -> None:
        """Note what a resource may be called."""
        if placed.problem:
            return
        kind = placed.resource.get("resourceType")
        if kind == "Patient":
            self._learn_patient(placed, scope)
        elif kind == "Encounter":
            for name in names_of(placed):
                self._encounters[name] = own_id_of(placed)
        elif kind == "Medication":
            self._resources.put(scope, placed, Fields(placed.resource).map("code"))
        elif kind == "Binary":
            self._learn_binary(placed, scope)

    def forget(self, scope: str) -> None:
        """Drop what a file said that was refused after all: nothing of it must be filed."""
        theirs = {own for (where, _), own in self._placed.items() if where == scope}
        self._placed = {key: own for key, own in self._placed.items() if key[0] != scope}
        for own in theirs - set(self._placed.values()):
            self.people.pop(own, None)
            self.set_apart.discard(own)
        self._numbers = None
        self._patients.forget(scope)
        self._resources.forget(scope)

    def patient(self, reference: str, scope: str, contained: Json) -> str | None:
        """The id of the patient that a reference names. Raises AmbiguousReference."""
        if reference.startswith("#"):
            return self._contained_patient(reference, contained)
        return self._patients.get(scope, reference) if reference else None

    def placed_patient(self, placed: PlacedResource, scope: str) -> str:
        """The vault id that a Patient resource of a file was given in the first pass."""
        return self._placed.get((scope, placed.place)) or self._identity(placed.resource, placed)

    def encounter(self, reference: str) -> str | None:
        """The id of the encounter that a reference names."""
        plain = unquote(reference).split("/_history/")[0]
        return self._encounters.get(plain) or self._encounters.get(_split(plain)[1])

    def resource(self, reference: str, scope: str, whole: Json) -> Json | None:
        """A medication's code or a Binary, also a contained one. Raises AmbiguousReference."""
        if reference.startswith("#"):
            inner = _contained(whole, reference)
            return Fields(inner).map("code") if inner and inner.get("resourceType") == "Medication" else inner
        found: Json | None = self._resources.get(scope, reference) if reference else None
        return found

    def unnamed_patient(self, reference: str) -> str | None:
        """A nameless patient to file records under whose patient resource was not sent."""
        if not reference or reference.startswith("#"):
            return None
        if reference.startswith(BY_IDENTIFIER):
            system, _, value = unquote(reference).removeprefix(BY_IDENTIFIER).rpartition("|")
            own = self._by_number((system, value))
            if own == "":
                return None
            own = own or record_id("patient", system, value)
            bare = Patient(PatientId(own), "", identifiers=(Identifier(system, value),))
        else:
            known_as = "/".join(unquote(reference).split("/_history/")[0].split("/")[-2:])
            own = record_id("fhir", "Patient", known_as.removeprefix("Patient/"))
            bare = Patient(PatientId(own), "", identifiers=(Identifier("", known_as),))
        self.people.setdefault(own, self.known.get(own, bare))
        if self.people.get(own, self.known.get(own, bare)).is_bare:
            self.unnamed.add(own)
        return own

    def numbered(self, fresh: Patient, system: str) -> Patient | None:
        """The patient whose number in a system a table or a text gives; None where it is somebody else's.

        What the table says of her fills in for a patient of whom nothing is known, and changes no other.
        """
        value = fresh.identifiers[0].value
        own = self._by_number((system, value))
        if own == "":
            return None
        own = own or record_id("patient", system, value)
        named = replace(fresh, id=PatientId(own), identifiers=(Identifier(system, value),))
        held = self._person(own)
        if held is None or held.is_bare:
            return named
        return None if cannot_be_one(held, named) else held

    def _learn_patient(self, placed: PlacedResource, scope: str) -> None:
        own = self._identity(placed.resource, placed)
        self._placed[scope, placed.place] = own
        self.people[own] = patient_of(placed.resource, own)
        self._patients.put(scope, placed, own)
        for system, value in own_numbers(placed.resource):
            self._note_number((system, value), own)
            self._patients.put_name(scope, f"{BY_IDENTIFIER}{system}|{value}", own)

    def _identity(self, resource: Json, placed: PlacedResource) -> str:
        """By her number; a number that two people carry does not join them."""
        fresh = patient_of(resource, "")
        numbers = own_numbers(resource)
        first = record_id("patient", *numbers[0]) if numbers else own_id_of(placed)
        held = self._person(first)
        if held is not None and not cannot_be_one(held, fresh):
            return first
        for number in numbers:
            other = self._by_number(number)
            person = self._person(other) if other else None
            if other and person is not None and is_surely_one(person, fresh):
                return other
        if held is None:
            return first
        apart = record_id(first, fresh.birth_date, fresh.name.casefold())
        self.set_apart.add(apart)
        return apart

    def _person(self, patient_id: str) -> Patient | None:
        return self.people.get(patient_id) or self.known.get(patient_id)

    def _by_number(self, number: tuple[str, str]) -> str | None:
        return self._number_table().get(number)

    def _number_table(self) -> dict[tuple[str, str], str]:
        if self._numbers is None:
            self._numbers = {}
            for own, person in (*self.known.items(), *self.people.items()):
                for number in person.identifiers:
                    if number.system and not is_placeholder(number.value):
                        self._note_number((number.system, number.value), own)
        return self._numbers

    def _note_number(self, number: tuple[str, str], own: str) -> None:
        """A number that two people carry, as a family's insurance number, names neither."""
        table = self._number_table()
        if table.setdefault(number, own) != own:
            table[number] = ""

    def _contained_patient(self, reference: str, resource: Json) -> str | None:
        """A reference of the form `#id` to a contained patient."""
        inner = _contained(resource, reference)
        if inner is None or inner.get("resourceType") != "Patient":
            return None
        # Without a number of her own, "#patient" of one resource is not "#patient" of another.
        nameless = {key: value for key, value in inner.items() if key != "id"}
        own = self._identity(inner, PlacedResource("contained", nameless))
        if own not in self.people:
            self.people[own] = patient_of(inner, own)
            self.partial.add(own)
        return own

    def _learn_binary(self, placed: PlacedResource, scope: str) -> None:
        resource = placed.resource
        data = string(resource, "data")
        kept = {"contentType": string(resource, "contentType")}
        if (
            kept["contentType"].startswith("text/")
            or "rtf" in kept["contentType"]
            or "xml" in kept["contentType"]
        ):
            self._attached += len(data)
            if self._attached <= LARGEST_ATTACHED:
                kept["data"] = data
        self._resources.put(scope, placed, kept)


def own_id_of(placed: PlacedResource) -> str:
    """An id from the resource's type and own id, else its URL, else its content."""
    kind = str(placed.resource.get("resourceType"))
    own = placed.resource.get("id")
    name = own if isinstance(own, str) and own else placed.full_url
    return record_id("fhir", kind, name or repr(sorted(placed.resource.items(), key=lambda kv: kv[0])))


def names_of(placed: PlacedResource) -> list[str]:
    """What other resources may call this one."""
    kind, own = placed.resource.get("resourceType"), placed.resource.get("id")
    names = {placed.full_url} if placed.full_url else set()
    if isinstance(own, str) and own:
        names |= {f"{kind}/{own}", f"urn:uuid:{own}"}
    return sorted(names)


def _split(url: str) -> tuple[str, str]:
    """(server, `Type/id`) of an absolute URL; the server is empty for any other reference."""
    if not url.startswith(("http://", "https://")):
        return "", "/".join(url.split("/")[-2:]) if "/" in url else ""
    parts = url.split("/")
    return "/".join(parts[:-2]), "/".join(parts[-2:])


def _contained(resource: Json, reference: str) -> Json | None:
    inner = Fields(resource).maps("contained")
    return next((i for i in inner if f"#{i.get('id')}" == reference), None)
