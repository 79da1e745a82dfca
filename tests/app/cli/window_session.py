"""A clinician's session at the real window, without a screen, until native code crashes over an open chart.

Run as a script: VAULT USER LETTER NAME WORD; a wrong and the right passphrase come on stdin.
"""

import os
import signal
import sys
import traceback
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app.clinical.ids import PatientId
from app.gui.program import open_window
from app.gui.shell.main_window import MainWindow
from app.store.patient_query import PatientFilter

NOTHING_DONE = 7


def unlock(window: MainWindow, passphrase: str) -> None:
    """Type it and press Open."""
    assert window.workspace is None
    window.unlock.passphrase.setText(passphrase)
    window.unlock.open()
    assert window.settle(120)


def open_chart(window: MainWindow, name: str, word: str) -> PatientId:
    """Find a patient by name and read her note."""
    place = window.workspace
    assert place is not None
    place.patients.search.setText(name)
    assert window.settle(120)
    (row,) = place.session.vault.patients(PatientFilter(name), limit=2)
    place.open_patient(row.id)
    assert window.settle(120)
    assert word in place.patient.note.view.toPlainText()
    return row.id


def begin_a_note(window: MainWindow, words: str) -> None:
    """Type one, and leave it unsaved."""
    assert window.workspace is not None
    page = window.workspace.patient
    page.write_note()
    assert window.settle(120)
    assert page.writing is not None
    page.writing.text.setPlainText(words)


def work(window: MainWindow, letter: str, name: str, word: str) -> None:
    """Import, search, read, annotate, copy, diagnose, confirm, begin a note, lock."""
    place = window.workspace
    assert place is not None
    place.import_files([Path(letter)])
    assert window.settle(120)
    assert place.importing is not None
    assert place.importing.title.text() == "Import finished"
    place.importing.stop_or_close()
    place.notes.search.setText(word)
    place.go("notes")
    assert window.settle(120)
    patient = open_chart(window, name, word)
    place.patient.note.move(1)
    place.patient.note.actions["accept"].trigger()
    place.patient.note.view.selectAll()
    place.patient.note.view.copy()
    assert word in QGuiApplication.clipboard().text()
    place.patient.differential.confirm.click()
    assert window.settle(120)
    assert place.session.vault.annotation_events(patient)
    assert place.session.vault.diagnoses(patient)
    begin_a_note(window, f"{word} begun")
    window.lock()
    assert QGuiApplication.clipboard().text() == ""


def main() -> int:
    """The window's own exit code."""
    vault, user, *words = sys.argv[1:]
    app = QApplication([])

    def drive() -> None:
        try:
            (window,) = (w for w in app.topLevelWidgets() if isinstance(w, MainWindow))
            wrong, right = (sys.stdin.readline().rstrip("\n") for _ in range(2))
            unlock(window, wrong)
            unlock(window, right)
            work(window, *words)
            unlock(window, right)
            open_chart(window, *words[1:])
            os.kill(os.getpid(), signal.SIGSEGV)
        except Exception as error:  # its message may hold content, which is what is searched for
            traceback.print_tb(error.__traceback__)
            print(type(error).__name__)
            app.exit(NOTHING_DONE)

    QTimer.singleShot(0, drive)
    return open_window(vault, user)


if __name__ == "__main__":
    sys.exit(main())
