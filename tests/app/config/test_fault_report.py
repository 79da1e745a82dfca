"""A fault of the program's own is told without its message, wherever it is told."""

import logging
import sys
import threading

import pytest
from pytestqt.qtbot import QtBot

from app.config.fault_report import TRACEBACK_VARIABLE, fault_lines, print_faults_without_messages
from app.gui.operations.runner import OperationRunner

WORDS = "Jane Doe has a tall stature"


def of_another() -> None:
    """Fails because something else did, and names a patient both times."""
    try:
        raise KeyError(WORDS)
    except KeyError as error:
        raise ValueError(WORDS) from error


def test_kinds_and_places_are_told_and_no_message() -> None:
    with pytest.raises(ValueError, match="Jane") as fault:
        of_another()
    told = fault_lines(fault.value)
    assert "Jane" not in told
    assert told.index("KeyError") < told.index("ValueError")
    assert told.count("test_fault_report.py") == 3
    assert fault_lines(OSError(28, "No space left on device")) == "OSError (No space left on device)"


def test_an_operation_that_fails_in_the_window_logs_no_message(
    qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    runner, failures = OperationRunner(), list[object]()
    with caplog.at_level(logging.ERROR):
        runner.read(of_another, failures.append, failures.append)
        qtbot.waitUntil(lambda: bool(failures))
    assert "ValueError" in caplog.text
    assert "Jane" not in caplog.text


def test_what_nothing_catches_is_printed_without_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(TRACEBACK_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    print_faults_without_messages()
    with pytest.raises(ValueError, match="Jane") as fault:
        of_another()
    sys.excepthook(ValueError, fault.value, None)
    thread = threading.Thread(target=of_another)
    thread.start()
    thread.join()
    told = capsys.readouterr().err
    assert told.count("ValueError") == 2
    assert "Jane" not in told
