"""Reads rule files: each block on its own, so that one mistake does not hide the next, with its line."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import msgspec

from knowledge_graph.rules.rule import (
    Constraint,
    LaboratoryRule,
    RedFlag,
    Rule,
    RuleBook,
    Source,
    SwitchOff,
)
from knowledge_graph.rules.rule_lines import RuleLines

BLOCKS: dict[str, type[Rule]] = {
    "red_flag": RedFlag,
    "pair": RedFlag,
    "constraint": Constraint,
    "laboratory": LaboratoryRule,
    "switch_off": SwitchOff,
}
SHIPPED = ("red_flags", "constraints", "laboratory")
BUILT_IN = "built in"
LARGEST_CHARACTERS = 4_000_000
_PATH = re.compile(r" - at `\$\.?([A-Za-z_]*)[^`]*`")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one line of a file."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class PlacedRule:
    """A rule and where it stands: the `number`-th block of its kind."""

    block: str
    number: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file: its rules with their places, its sources, and what could not be read."""

    origin: str
    lines: RuleLines
    rules: tuple[PlacedRule, ...]
    sources: dict[str, Source]
    problems: tuple[Problem, ...]

    def of(self, block: str) -> list[Any]:
        """The rules of one kind, in order."""
        return [placed.rule for placed in self.rules if placed.block == block]

    def line_of(self, placed: PlacedRule, key: str = "", value: str = "") -> int:
        """The line of a rule, or of one of its keys or values."""
        return self.lines.line(placed.block, placed.number, key, value)


def read_rules(text: str, *, origin: str) -> RuleFile:
    """Rules and problems of one text. Never raises: what is broken is a problem with its line."""
    lines = RuleLines(text[:LARGEST_CHARACTERS])
    value = _parsed(text, lines)
    if isinstance(value, Problem):
        return RuleFile(origin, lines, (), {}, (value,))
    problems: list[Problem] = []
    sources = _sources(value.pop("sources", {}), lines, problems)
    rules: list[PlacedRule] = []
    for block, found in value.items():
        if block not in BLOCKS or not isinstance(found, list):
            known = ", ".join(f"[[{name}]]" for name in BLOCKS)
            problems.append(Problem(lines.line_of_key(block), f"{block!r} is no kind of rule; use {known}"))
            continue
        rules += _rules(block, found, lines=lines, origin=origin, problems=problems)
    return RuleFile(origin, lines, tuple(rules), sources, tuple(problems))


def shipped_rules(names: Sequence[str] = SHIPPED) -> tuple[RuleFile, ...]:
    """The program's own rules."""
    folder = files("resources.rules")
    return tuple(
        read_rules(folder.joinpath(f"{name}.toml").read_text("utf-8"), origin=BUILT_IN) for name in names
    )


def merge(rule_files: Sequence[RuleFile]) -> RuleBook:
    """One book. A later file's rule replaces an earlier one of the same id, and can switch it off."""
    sources = {name: source for file in rule_files for name, source in file.sources.items()}
    off = tuple(rule for file in rule_files for rule in file.of("switch_off"))
    silent = {rule.id for rule in off}
    kept = {
        block: {rule.id: rule for file in rule_files for rule in file.of(block) if rule.id not in silent}
        for block in ("red_flag", "pair", "constraint")
    }
    tests = {rule.name: rule for file in rule_files for rule in file.of("laboratory")}
    return RuleBook(
        red_flags=tuple(kept["red_flag"].values()),
        pairs=tuple(kept["pair"].values()),
        constraints=tuple(kept["constraint"].values()),
        laboratory=tuple(tests.values()),
        switched_off=off,
        sources=sources,
    )


def _parsed(text: str, lines: RuleLines) -> dict[str, Any] | Problem:
    if len(text) > LARGEST_CHARACTERS:
        return Problem(1, f"the file is longer than {LARGEST_CHARACTERS:,} characters; split it")
    if '"""' in text or "'''" in text:
        line = next(i for i, t in enumerate(text.splitlines(), start=1) if '"""' in t or "'''" in t)
        return Problem(line, "write each text on one line: strings over several lines are not taken")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = re.sub(r" \(at .*\)$", "", str(error))
        return Problem(lines.line_of_error(error), f"not valid TOML: {said}")
    except (RecursionError, ValueError):
        return Problem(1, "not valid TOML: a value is too deep or too long")


def _sources(found: object, lines: RuleLines, problems: list[Problem]) -> dict[str, Source]:
    if not isinstance(found, dict):
        problems.append(Problem(lines.line_of_key("sources"), "sources are written as [sources.NAME]"))
        return {}
    sources: dict[str, Source] = {}
    for name, value in found.items():
        try:
            sources[name] = msgspec.convert(value, Source)
        except msgspec.ValidationError as error:
            key, said = _said(error)
            problems.append(Problem(lines.line(f"sources.{name}", key=key), f"source {name}: {said}"))
    return sources


def _rules(
    block: str, found: list[Any], *, lines: RuleLines, origin: str, problems: list[Problem]
) -> list[PlacedRule]:
    rules = []
    for number, value in enumerate(found):
        if isinstance(value, dict) and "origin" in value:
            problems.append(
                Problem(lines.line(block, number, "origin"), "origin is not for a file to say; leave it out")
            )
            continue
        try:
            rule = msgspec.convert(value, BLOCKS[block])
        except msgspec.ValidationError as error:
            key, said = _said(error)
            problems.append(Problem(lines.line(block, number, key), f"{block}: {said}"))
            continue
        rules.append(PlacedRule(block, number, msgspec.structs.replace(rule, origin=origin)))
    return rules


def _said(error: msgspec.ValidationError) -> tuple[str, str]:
    """The key that an error is about, and the error in words."""
    text = str(error)
    unknown = _UNKNOWN.search(text)
    if unknown is not None and (" - at" not in text or "`$`" in text):
        return unknown[1], f"{unknown[1]!r} is no key of this kind of rule"
    path = _PATH.search(text)
    key = path[1] if path else ""
    said = _PATH.sub("", text)
    return key, f"{key}: {said}" if key else said
