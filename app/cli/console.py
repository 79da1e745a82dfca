"""What a verb prints: one result on stdout, progress on stderr, as text or as JSON."""

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO


class Console:
    """Prints results and progress. With `as_json`, every line is one JSON object."""

    def __init__(self, *, as_json: bool, out: TextIO | None = None, err: TextIO | None = None):
        self.as_json = as_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr

    def result(self, value: Mapping[str, Any], text: str) -> None:
        """Print the verb's result: `value` with `--json`, else `text`."""
        shown = json.dumps(value, ensure_ascii=False, default=str) if self.as_json else text
        print(shown, file=self._out, flush=True)

    def progress(self, text: str, **fields: Any) -> None:
        """Print one line of progress to stderr."""
        shown = json.dumps({"progress": text, **fields}, default=str) if self.as_json else text
        print(shown, file=self._err, flush=True)

    def refuse(self, message: str) -> None:
        """Print why the verb was refused, on one line."""
        print(f"anamnesis: {' '.join(message.split())}", file=self._err, flush=True)
