"""Copies the licences of the libraries that a frozen folder carries."""

import csv
import re
import shutil
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

LICENCE = re.compile(
    r"(^|/)(licen[cs]e|copying|notice|lgpl|gpl|copyright)[^/]*$|/licen[cs]es/.*[^/]$", re.IGNORECASE
)
SOURCE = re.compile(r"/site-packages/([^'\"]+)['\"]")


def write_notices(site_packages: Path, analysis: Path, target: Path) -> None:
    """List each library found in PyInstaller's analysis, and copy its licences below `target`."""
    sources = set(SOURCE.findall(analysis.read_text(encoding="utf-8")))
    lines: list[str] = []
    for information in carried(site_packages, sources):
        name, line = _described(information)
        lines.append(line)
        for licence in licence_files(information):
            place = target / name / licence.replace("/", "_")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(site_packages / licence, place)
    target.mkdir(parents=True, exist_ok=True)
    (target / "list.txt").write_text("".join(f"{line}\n" for line in sorted(lines)), encoding="utf-8")


def carried(site_packages: Path, sources: set[str]) -> Iterator[Path]:
    """The `.dist-info` folders of distributions of which a file is in the frozen folder."""
    for information in sorted(site_packages.glob("*.dist-info")):
        if not sources.isdisjoint(_recorded(information)):
            yield information


def licence_files(information: Path) -> list[str]:
    """A distribution's licence texts, as paths in site-packages."""
    return [
        path
        for path in _recorded(information)
        if LICENCE.search(path)
        and not path.endswith((".py", ".pyc"))
        and (information.parent / path).is_file()
    ]


def _recorded(information: Path) -> list[str]:
    record = information / "RECORD"
    if not record.is_file():
        return []
    with record.open(encoding="utf-8", newline="") as stream:
        return [row[0] for row in csv.reader(stream) if row]


def _described(information: Path) -> tuple[str, str]:
    fields = HeaderParser().parsestr((information / "METADATA").read_text(encoding="utf-8"))
    return fields["Name"], f"{fields['Name']} {fields['Version']}: {licence_named(information, fields)}"


def licence_named(information: Path, fields: Message) -> str:
    """The licence by its name: as the metadata says, else its classifiers, else where its text lies."""
    named = fields["License-Expression"] or (fields["License"] or "").strip().splitlines()[:1]
    classified = [c.split(" :: ")[-1] for c in fields.get_all("Classifier", []) if c.startswith("License ::")]
    if named:
        return named if isinstance(named, str) else named[0]
    if classified:
        return ", ".join(classified)
    return "see its folder" if licence_files(information) else "not named by its wheel"
