"""Ann, who signs in to her vault by a passphrase on stdin."""

import io
import sys

import pytest

from app.cli.main import main
from app.clinical.ids import PatientId

SECRET = "correct horse battery"
ADA = PatientId("p-1")


def run(monkeypatch: pytest.MonkeyPatch, words: str, *, stdin: str = f"{SECRET}\n") -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    return main([*words.split(), "--user", "ann", "--passphrase-stdin"])
