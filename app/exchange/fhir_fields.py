"""Lenient access to the fields of a FHIR resource: a wrong type counts as absent and is remarked."""

from typing import Any

from app.clinical.record import Coding

Json = dict[str, Any]
LARGEST_NUMBER = 1e30
# What every resource may carry around its content; narrative and extensions repeat or decorate it.
_WRAPPING = {"resourceType", "id", "meta", "text", "language", "implicitRules", "contained", "extension"}


class Fields:
    """One resource; `remarks` collects the names of fields that could not be read."""

    def __init__(self, resource: Json):
        self._resource = resource
        self._asked: set[str] = set()
        self.remarks: list[str] = []

    def text(self, name: str) -> str:
        """A string, or empty."""
        value: str = self._typed(name, str, "")
        return value

    def flag(self, name: str) -> bool:
        """A boolean; absent means False."""
        value: bool = self._typed(name, bool, False)
        return value

    def map(self, name: str) -> Json:
        """An object, or empty."""
        value: Json = self._typed(name, dict, {})
        return value

    def maps(self, name: str) -> list[Json]:
        """A list's objects; a single object counts as a list of one."""
        value = self._resource.get(name)
        self._asked.add(name)
        if isinstance(value, dict):
            return [value]
        if value is None:
            return []
        if not isinstance(value, list):
            self.remarks.append(name)
            return []
        if any(not isinstance(v, dict) for v in value):
            self.remarks.append(name)
        return [v for v in value if isinstance(v, dict)]

    def first_text(self, *names: str) -> str:
        """The first of several alternative fields that holds text."""
        return next((t for name in names if (t := self.text(name))), "")

    def reference(self, *names: str) -> str:
        """The target of the first reference among several fields."""
        for name in names:
            target = string(self.map(name), "reference")
            if target:
                return target
        return ""

    def number(self, name: str) -> float | None:
        """A number, or None."""
        self._asked.add(name)
        return finite(self._resource.get(name))

    def has(self, *names: str) -> bool:
        """Whether one of these fields is there with anything but null."""
        self._asked.update(names)
        return any(self._resource.get(name) is not None for name in names)

    def unread(self) -> list[str]:
        """Names of content that nobody asked for, without primitive extensions (`_name`)."""
        return [n for n in self._resource if n not in self._asked | _WRAPPING and not n.startswith("_")]

    def _typed(self, name: str, kind: type, absent: Any) -> Any:
        self._asked.add(name)
        value = self._resource.get(name)
        if value is None:
            return absent
        if not isinstance(value, kind):
            self.remarks.append(name)
            return absent
        return value


def string(value: Any, name: str) -> str:
    """A string field of an object that may not be one."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def finite(value: Any) -> float | None:
    """A number that a float can hold, or None."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return float(value) if abs(value) < LARGEST_NUMBER else None


def codings(concept: Any) -> tuple[Coding, ...]:
    """The codings of a CodeableConcept."""
    listed = concept.get("coding") if isinstance(concept, dict) else None
    found = [c for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []
    return tuple(Coding(string(c, "system"), string(c, "code"), string(c, "display")) for c in found)


def label(concept: Any) -> str:
    """What a person would read: the text, else a display, else a code."""
    coded = codings(concept)
    displays = [c.display for c in coded if c.display]
    return string(concept, "text") or next(iter(displays), "") or next((c.code for c in coded if c.code), "")


def code_of(concept: Any) -> str:
    """The first code, else what a person would read."""
    coded = codings(concept)
    return coded[0].code if coded and coded[0].code else label(concept)


def period(value: Any) -> tuple[str, str]:
    """Start and end of a Period."""
    return string(value, "start"), string(value, "end")
