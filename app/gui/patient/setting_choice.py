"""Where the patient is seen, beside the patient's name: what is common there counts beforehand.

The choice is the user's, holds for every patient, and is kept.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from app.config.packs import read_user_packs, write_user_packs
from app.gui.assistant import Assistant
from app.gui.session import OpenSession
from app.gui.shell.choice import ChoiceBox
from app.gui.shell.furniture import named_field
from knowledge_graph.terms.occurrence import Setting

WORDS = {
    Setting.EMERGENCY: "Emergency",
    Setting.PRIMARY_CARE: "Primary care",
    Setting.RARE_DISEASE_CLINIC: "Rare-disease clinic",
}
_TIP = "Where the patient is seen: what is common there counts beforehand, as a line of its own"


class SettingChoice:
    """Tells the assistant, keeps the choice, and has the patient ranked anew."""

    def __init__(self, session: OpenSession, rank: Callable[[], object]) -> None:
        self._session = session
        self._folder = session.around.settings_file.parent
        self._rank = rank
        self._assistant: Assistant | None = None
        self.box = ChoiceBox()
        for setting, words in WORDS.items():
            self.box.addItem(words, setting.value)
        self.box.setToolTip(_TIP)
        self.box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.box.setEnabled(False)
        self.box.activated.connect(lambda _index: self._choose())
        self.widget = QWidget()
        line = QHBoxLayout(self.widget)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(named_field("Seen &in", self.box))
        line.addWidget(self.box, 1)

    def take_assistant(self, assistant: Assistant) -> None:
        """The setting that the assistant began with is shown, and can be changed."""
        self._assistant = assistant
        self.box.setCurrentIndex(self.box.findData(assistant.setting))
        self.box.setEnabled(True)

    def _choose(self) -> None:
        if self._assistant is None:
            return
        chosen = self.box.currentData()
        self._assistant.choose_setting(chosen)
        self._session.runner.write(lambda: _keep(chosen, self._folder), lambda _none: None)
        self._rank()


def _keep(setting: str, folder: Path) -> None:
    """Raises UsageError where it can't be written."""
    write_user_packs(replace(read_user_packs(folder), setting=setting), folder)
