"""What a verb prints: one result on stdout, progress on stderr, as text or as JSON.

A note or a name may hold what a terminal obeys (escape sequences, CWE-150): none of it is printed raw.
"""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, TextIO

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and line feed


class Console:
    """Prints results and progress. With `as_json`, every line is one JSON object."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, err: TextIO | None = None):
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr

    def result(self, value: Mapping[str, Any], text: str) -> None:
        """Print the verb's result: `value` with `--json`, else `text`."""
        shown = _json(value) if self.as_json else _plain(text)
        print(shown, file=self._out, flush=True)

    def progress(self, text: str, **fields: Any) -> None:
        """Print one line of progress to stderr."""
        shown = _json({"progress": text, **fields}) if self.as_json else _plain(text)
        print(shown, file=self._err, flush=True)

    def refuse(self, message: str) -> None:
        """Print why the verb was refused, on one line."""
        print(f"anamnesis: {_plain(' '.join(message.split()))}", file=self._err, flush=True)


def _plain(text: str) -> str:
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def _json(value: Mapping[str, Any]) -> str:
    return quiet_json(json.dumps(value, ensure_ascii=False, default=str))


def quiet_json(written: str) -> str:
    """The same JSON with the controls that JSON leaves as they are, those from 0x7f to 0x9f, escaped."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", written)
