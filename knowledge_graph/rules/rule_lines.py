"""Where in a TOML file a table, a key or a value stands: tomllib does not say.

Works because rule files hold no multi-line strings (the reader refuses them), so that a line that looks
like a header is one.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property

_HEADER = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_\-. ]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-]+)\s*=")
_AT_LINE = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    first: int
    lines: list[str] = field(default_factory=list)


class RuleLines:
    """The lines of a file by table; lines count from 1."""

    def __init__(self, text: str):
        self.text = text

    @cached_property
    def _tables(self) -> list[_Table]:
        """Split when first asked: a file without mistakes never asks."""
        tables = [_Table("", 1)]
        for number, line in enumerate(self.text.splitlines(), start=1):
            header = _HEADER.fullmatch(line)
            if header is not None and not _continues(tables[-1].name, header[1]):
                tables.append(_Table(header[1], number))
            tables[-1].lines.append(line)
        return tables

    def line(self, table: str, number: int = 0, key: str = "", value: str = "") -> int:
        """The line of the `number`-th table of that name, or of a key in it, or of a value after that key."""
        found = [t for t in self._tables if t.name == table]
        if number >= len(found):
            return 1
        here = found[number]
        places = range(len(here.lines))
        start = next((i for i in places if _is_key(here.lines[i], key)), None) if key else 0
        if start is None:
            return here.first
        within = next((i for i in places[start:] if value in here.lines[i]), start) if value else start
        return here.first + within

    def line_of_key(self, key: str) -> int:
        """The first line that sets a key, or names a table so, wherever it stands."""
        for table in self._tables:
            if table.name == key or table.name.startswith(f"{key}."):
                return table.first
            for number, line in enumerate(table.lines):
                if _is_key(line, key):
                    return table.first + number
        return 1

    def line_of_error(self, error: Exception) -> int:
        """The line that tomllib names."""
        named = _AT_LINE.search(str(error))
        return int(named[1]) if named else max(1, len(self.text.splitlines()))


def _continues(before: str, name: str) -> bool:
    """Whether a header only goes on with the table before it, as [red_flag.more] does."""
    return bool(before) and before != "sources" and name.startswith(f"{before}.")


def _is_key(line: str, key: str) -> bool:
    found = _KEY.match(line)
    return found is not None and found[1] == key
