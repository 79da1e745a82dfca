"""Loaded by every Python process of a watched session: notes what it writes to, and how it starts others."""

import json
import os
import sys
from typing import Any

_LOG = os.environ.get("ANAMNESIS_TEST_WATCH", "")
_handle = os.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if _LOG else -1


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = arguments
        if (isinstance(mode, str) and any(c in mode for c in "wax+")) or (flags or 0) & 0o3:
            _note("write", path)
    elif event in ("os.rename", "os.mkdir", "os.link", "os.symlink"):
        _note("write", arguments[1 if event != "os.mkdir" else 0])
    elif event == "subprocess.Popen":
        _note("start", [arguments[0], arguments[1], dict(arguments[3] or os.environ)])
    elif event in ("socket.connect", "socket.bind", "socket.sendto"):
        _note("network", str(arguments[1:]))


def _note(kind: str, what: Any) -> None:
    os.write(_handle, (json.dumps([kind, what], default=os.fsdecode) + "\n").encode("utf-8", "replace"))


if _LOG:
    sys.addaudithook(_watch)
