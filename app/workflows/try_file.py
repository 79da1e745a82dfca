"""Lets the confined reader parse a file that someone named, before the program does.

What crashes, hangs or bloats a parser does so there. What is merely wrong is left to who parses it again,
and says it better; a file that is not there, too.
"""

import os
from pathlib import Path


def try_file(kind: str, path: Path | None) -> None:
    """Raises ImportRefused, in one line. The kinds are those of `foreign_kind`."""
    if path is not None and os.path.exists(path):  # pathlib raises for a name that is too long
        from app.workflows.foreign_gate import check_foreign  # with every format's reader

        check_foreign(kind, path.absolute(), name=path.name)
