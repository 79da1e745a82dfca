"""The import: which files, how far it is, and what became of every item."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from app.gui.importing.report_text import closing_line, report_rows
from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import open_over, sentence, size_within
from app.gui.shell.empty_words import EmptyWords
from app.gui.shell.furniture import button, label, row, set_role
from app.gui.shell.worded_list import worded_list
from app.workflows.import_records import ImportProgress, ImportReport, import_records

Progress = ImportProgress | ImportReport


class ImportDialog:
    """Runs one import; the window stays usable only after it has ended or was stopped."""

    def __init__(self, parent: QWidget, session: OpenSession, imported: Callable[[], object]) -> None:
        self._session = session
        self._imported = imported
        self._stop: Event | None = None
        self.dialog = QDialog(parent)
        self.dialog.setWindowTitle("Import records")
        self.dialog.setModal(True)
        self.dialog.resize(size_within(self.dialog, session.look, 820, 500))
        self.title = label("", "heading")
        self.line = label("", "muted", wrap=True)
        self.bar = QProgressBar()
        self.items = worded_list(session.look, "Report of the import")
        self.close_button = button("Stop", self.stop_or_close)
        self.dialog.rejected.connect(self._left)
        self._lay_out()

    def start(self, paths: list[Path]) -> None:
        """Import these files."""
        vault, policy = self._session.vault, self._session.around.policy

        def reports(stop: Event) -> Iterator[Progress]:
            return import_records(vault, paths, policy=policy, stop=stop)

        self.title.setText("Importing…")
        self.bar.setRange(0, 0)
        self._stop = self._session.runner.job(reports, self._show, lambda _done: None, self._refuse)
        open_over(self.dialog)

    def stop_or_close(self) -> None:
        """Stop after the item under way, or leave."""
        if self._stop is None:
            self.dialog.accept()
            return
        self._stop.set()
        self.title.setText("Stopping…")

    def _left(self) -> None:
        """Escape stops an import too: none goes on unseen."""
        if self._stop is not None:
            self._stop.set()

    def clear(self) -> None:
        """Forget the report: it names files."""
        self.dialog.hide()
        self.items.clear()
        for part in (self.title, self.line):
            part.clear()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        for part in (self.title, self.line, self.bar):
            column.addWidget(part)
        EmptyWords(self.items, "What is not imported, or not whole, is listed here.")
        column.addWidget(self.items, 1)
        column.addLayout(row(None, self.close_button))

    def _show(self, report: Progress) -> None:
        if isinstance(report, ImportReport):
            self._finish(report)
            return
        self.bar.setRange(0, report.files)
        self.bar.setValue(report.files_done)
        self.line.setText(
            f"{report.phase.capitalize()} file {report.files_done + 1} of {report.files}, "
            f"{report.items:,} items"
        )

    def _finish(self, report: ImportReport) -> None:
        self._stop = None
        self.bar.hide()
        self.title.setText("Import stopped" if report.cancelled else "Import finished")
        self.line.setText(closing_line(report))
        for place, outcome, why in report_rows(report):
            self.items.addItem(f"{place}: {outcome}\n{why}" if outcome else f"{place}: {why}")
        self._offer_to_close()
        self._imported()

    def _refuse(self, failure: Failure) -> None:
        self._stop = None
        self.bar.hide()
        self.title.setText("Nothing was imported")
        self.line.setText(sentence(failure.message))
        set_role(self.line, "error")
        self._offer_to_close()

    def _offer_to_close(self) -> None:
        self.close_button.setText("Close")
        self.close_button.setFocus()


def choose_files(parent: QWidget) -> list[Path]:
    """Ask for files; empty where the user left."""
    names, _kind = QFileDialog.getOpenFileNames(
        parent,
        "Import records",
        "",
        "Records (*.json *.ndjson *.xml *.hl7 *.er7 *.csv *.tsv *.txt *.rtf *.gz *.zip);;All files (*)",
        options=QFileDialog.Option.ReadOnly,
    )
    return [Path(name) for name in names]
