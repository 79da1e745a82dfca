"""Lets the confined reader parse a file that someone named, before the program does.

What crashes, hangs or bloats a parser does so there. What is merely wrong is left to who parses it again,
and says it better; a file that is not there, too.
"""

from pathlib import Path

from app.workflows.foreign_gate import check_foreign


def try_file(kind: str, path: Path | None) -> None:
    """Raises ImportRefused, in one line. The kinds are those of `foreign_checks`."""
    if path is not None and path.exists():
        check_foreign(kind, path.absolute(), name=path.name)
