"""The model versions of the vault: which is in use, what each promises, and the way back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from threading import Event
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidgetItem, QSplitter

from app.gui.models.base_dialog import BaseDialog
from app.gui.models.version_card import VersionCard
from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import ask, sentence
from app.gui.shell.furniture import button, card, label, page_frame, row, set_role
from app.gui.shell.withheld import withhold_writing
from app.gui.shell.worded_list import worded_list
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.apply_update import AppliedBase, ApplyPlan, apply_update
from app.workflows.find_base import trusted_coordinator
from app.workflows.list_models import ModelRow, list_models, result_store
from app.workflows.load_knowledge import site_knowledge
from app.workflows.publish_model import PublishPlan, publish_model, waiting_result
from app.workflows.report_model import REPORT_NOTES, ReportPlan, kept_report, report_model
from app.workflows.roll_back import roll_back
from ml.evaluation.model_report import ModelReport
from ml.registry.model_version import ModelVersion

ROW = Qt.ItemDataRole.UserRole
Report = TypeVar("Report")


class ModelsPage:
    """A list of versions and the card of the one chosen; `changed` is told when another is in use."""

    def __init__(self, session: OpenSession, changed: Callable[[], object]) -> None:
        self._session = session
        self._changed = changed
        self._working = False  # whether a job is under way
        self._stop = Event()  # asks it to stop
        self.message = label("", "error", wrap=True)
        self.message.hide()
        self.list = worded_list(session.look, "Model versions", role="bare")
        self.card = VersionCard(session.look)
        self._reports: dict[str, ModelReport] = {}
        self.use_button = button("Use this version", self.use_chosen, tip=_USE)
        self.back_button = button("Roll back", self.roll_back, tip=_BACK)
        self.widget, column, head = page_frame(
            "Models", "Which version reads the notes, and how good it is. Nothing is lost by going back."
        )
        self.publish_button = button("Publish", self.publish, role="primary", tip=_PUBLISH)
        self.publish_button.hide()
        self.base_button = button("Install a base…", self.ask_base, tip=_BASE)
        self.measure_button = button("Measure", self.measure, tip=_MEASURE)
        self.stop_button = button("Stop", self.stop, role="danger", tip="Stop; the version in use stays")
        self.stop_button.hide()
        deeds = (self.measure_button, self.base_button, self.back_button, self.publish_button)
        withhold_writing(session, self.use_button, *deeds)
        head.addLayout(row(self.stop_button, *deeds))
        column.addWidget(self.message)
        column.addWidget(self._body(), 1)
        session.look.follow(self.widget, self._show_card)

    def refresh(self) -> None:
        """Read the versions."""
        vault = self._session.vault
        self._session.runner.read(lambda: _standing(vault), self._show, self._refuse)

    def use_chosen(self) -> None:
        """Make the chosen version current, after a question."""
        chosen = self._chosen()
        if chosen is None:
            return
        name = "starting" if chosen.starting else chosen.version.version_id
        title = f"Use {chosen.version.card.title}?"
        ask(self.widget, title, _QUESTION, "Use it", lambda: self._go_to(name))

    def roll_back(self) -> None:
        """Go back to the version before, after a question."""
        ask(
            self.widget,
            "Go back to the version used before?",
            _QUESTION,
            "Go back",
            lambda: self._go_to(None),
        )

    def publish(self) -> None:
        """Export the latest training result, check it against torch, and make it current."""
        if self._working:
            return
        vault, around = self._session.vault, self._session.around
        plan = PublishPlan(at=around.now(), cache_dir=around.cache_dir, policy=around.policy)

        def reports(stop: Event) -> Iterator[str | ModelVersion]:
            return _until_stopped(publish_model(vault, waiting_result(vault), plan, stop=stop), stop)

        self._work("Publishing…", reports, self._follow, self._published)

    def ask_base(self) -> None:
        """Ask for a coordinator's new base, and install it."""
        vault = self._session.vault
        self._session.runner.read(
            lambda: trusted_coordinator(vault),
            lambda key: BaseDialog(self.widget, self._session, key, self.install_base).open(),
            self._refuse,
        )

    def install_base(self, path: Path, key: str | None) -> None:
        """Check a base file as `anamnesis update apply` does, and make it current."""
        if self._working:
            return
        vault, around = self._session.vault, self._session.around
        plan = ApplyPlan(at=around.now(), cache_dir=around.cache_dir, policy=around.policy)

        def reports(stop: Event) -> Iterator[str | ModelVersion]:
            words = apply_update(vault, path, plan, coordinator_key=key, stop=stop)
            return _until_stopped((w.version if isinstance(w, AppliedBase) else w for w in words), stop)

        self._work("Reading the file…", reports, self._follow, self._published)

    def measure(self) -> None:
        """Read public synthetic notes with the chosen version, and show the report."""
        chosen, around, vault = self._chosen(), self._session.around, self._session.vault
        if chosen is None or self._working:
            return
        policy = around.policy
        notes = policy.gates.notes if policy.gates else REPORT_NOTES
        knowledge = site_knowledge(policy)
        plan = ReportPlan(around.now(), around.cache_dir, notes, policy.report_groups, knowledge)
        version = chosen.version.version_id

        def reports(stop: Event) -> Iterator[str | ModelReport]:
            return takewhile(lambda _report: not stop.is_set(), report_model(vault, version, plan))

        self._work("Measuring…", reports, self._measured, self._ended)

    def stop(self) -> None:
        """Ask the job under way to stop."""
        self._stop.set()
        self.stop_button.setEnabled(False)
        self._tell("Stopping…", "notice")

    def _work(
        self,
        begun: str,
        reports: Callable[[Event], Iterator[Report]],
        follow: Callable[[Report], object],
        then: Callable[[], object],
    ) -> None:
        """One job at a time, and a button that stops it."""
        self._tell(begun, "notice")
        self._stop = self._session.runner.job(reports, follow, lambda _done: then(), self._give_up)
        self._show_working(True)

    def _show_working(self, working: bool) -> None:
        self._working = working
        self.stop_button.setEnabled(working)
        self.stop_button.setVisible(working)
        for deed in (self.publish_button, self.base_button, self.measure_button):
            deed.setEnabled(not working)

    def _ended(self) -> None:
        self._show_working(False)
        if self._stop.is_set():
            self._tell(_STOPPED, "notice")

    def _measured(self, report: str | ModelReport) -> None:
        if isinstance(report, ModelReport):
            self._reports[report.version_id] = report
            self._tell(f"Measured on {report.n} synthetic notes.", "notice")
            self._show_card()
        else:
            self._tell(sentence(report), "notice")

    def _follow(self, report: str | ModelVersion) -> None:
        done = "The new version is in use."
        if isinstance(report, ModelVersion):
            self._stop = Event()  # too late to stop
            self.stop_button.setEnabled(False)
        self._tell(done if isinstance(report, ModelVersion) else sentence(report), "notice")

    def _published(self) -> None:
        self._ended()
        self._moved()

    def _body(self) -> QSplitter:
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setHandleWidth(12)
        split.setChildrenCollapsible(False)
        left, inside = card(margin=8, spacing=6)
        self.list.currentItemChanged.connect(lambda _new, _old: self._show_card())
        inside.addWidget(self.list, 1)
        inside.addLayout(row(None, self.use_button))
        split.addWidget(left)
        split.addWidget(self.card.widget)
        split.setSizes([360, 760])
        return split

    def _show(self, standing: "_Standing") -> None:
        rows, waiting, self._reports = standing.rows, standing.waiting, standing.reports
        self.publish_button.setVisible(bool(waiting))
        self.base_button.setVisible(standing.may_train)
        self.list.clear()
        for found in reversed(rows):
            item = QListWidgetItem(version_line(found), self.list)
            item.setData(ROW, found)
            item.setToolTip(found.version.version_id)
        currents = [number for number, found in enumerate(reversed(rows)) if found.current]
        self.list.setCurrentRow(currents[0] if currents else 0)
        self.back_button.setEnabled(len(rows) > 1)
        self.back_button.setToolTip(_BACK if len(rows) > 1 else "There is no earlier version")

    def _show_card(self) -> None:
        chosen = self._chosen()
        version = chosen.version if chosen else None
        self.card.show(version, self._reports.get(version.version_id) if version else None)
        self.use_button.setEnabled(chosen is not None and not chosen.current)
        self.use_button.setToolTip("This version is in use" if chosen and chosen.current else _USE)

    def _chosen(self) -> ModelRow | None:
        item: QListWidgetItem | None = self.list.currentItem()
        found: ModelRow | None = None if item is None else item.data(ROW)
        return found

    def _go_to(self, name: str | None) -> None:
        vault, at, policy = self._session.vault, self._session.around.now(), self._session.around.policy
        self._session.runner.write(
            lambda: roll_back(vault, at=at, to=name, policy=policy),
            lambda _version: self._moved(),
            self._refuse,
        )

    def _moved(self) -> None:
        self.refresh()
        self._changed()

    def _refuse(self, failure: Failure) -> None:
        self._tell(sentence(failure.message), "error")

    def _give_up(self, failure: Failure) -> None:
        """The job under way has failed, or was stopped."""
        self._ended()
        if not self._stop.is_set():
            self._refuse(failure)

    def _tell(self, text: str, role: str) -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.show()


@dataclass(frozen=True, slots=True)
class _Standing:
    """The versions, the results that wait to be published, what was measured, and who looks."""

    rows: tuple[ModelRow, ...]
    waiting: tuple[str, ...]
    reports: dict[str, ModelReport]
    may_train: bool


def _standing(vault: Vault) -> _Standing:
    rows = list_models(vault)
    kept = {r.version.version_id: kept_report(vault, r.version.version_id) for r in rows}
    measured: dict[str, ModelReport] = {v: report for v, report in kept.items() if report is not None}
    return _Standing(rows, result_store(vault).run_ids(), measured, vault.may(Right.TRAIN))


def _until_stopped(words: Iterable[str | ModelVersion], stop: Event) -> Iterator[str | ModelVersion]:
    """Progress until somebody stops it, measuring included; a version that is in use by then is told."""
    for word in words:
        if stop.is_set() and not isinstance(word, ModelVersion):
            return
        yield word


def version_line(found: ModelRow) -> str:
    """A version in two lines: what it is and whether it is in use; name, date and guarantee."""
    card, use = found.version.card, "   ✓ in use" if found.current else ""
    kind = "Starting model" if found.starting else _KINDS.get(card.scope, card.scope.capitalize())
    spent = f"epsilon {card.privacy.epsilon:.3g}" if card.privacy.epsilon else "no patient data used"
    parts = (found.version.version_id[:10], card.created_at[:10], spent)
    return f"{kind}{use}\n" + "  ·  ".join(part for part in parts if part)


_KINDS = {
    "head": "Trained here, head",
    "top": "Trained here, last layer",
    "bitfit": "Trained here, biases",
    "lora": "Trained here, LoRA",
    "adalora": "Trained here, AdaLoRA",
    "adapter": "Trained here, adapters",
    "prefix": "Trained here, prefix",
    "full": "Trained here, whole encoder",
}
_USE = "Make the chosen version current"
_BACK = "Go back to the version used before"
_STOPPED = "Stopped. The version in use has not changed."
_PUBLISH = "Export the latest training result to ONNX, compare it with the trained model, and use it"
_BASE = "Check a coordinator's new base model, and use it if it reads public notes as well as the one in use"
_MEASURE = "Read public synthetic notes with the chosen version: how good, how calibrated, for whom"
_QUESTION = "Diagnoses will use that version from now on. You can return to the present one at any time."
