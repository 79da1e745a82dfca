"""Appearance, people, this device, what IT has locked, and where the knowledge comes from."""

from collections.abc import Callable, Sequence
from importlib import resources

from PySide6.QtWidgets import QComboBox, QFormLayout, QTextBrowser, QVBoxLayout, QWidget

from app.config.policy import Policy
from app.gui.about.device_card import DeviceCard
from app.gui.assistant import Assistant
from app.gui.people.people_card import PeopleCard
from app.gui.session import OpenSession
from app.gui.shell.furniture import card, label, named_field, page_frame, scrolled
from app.gui.shell.reading import limit_lines, show_markdown
from app.gui.theme.look import SCALES
from app.gui.theme.palette import THEMES
from app.store.people import Person

COLUMN_PX = 760  # at 100 % text: wider, its sentences are hard to read


class AboutPage:
    """Settings of the window, the policy in force, and the sources."""

    def __init__(
        self,
        session: OpenSession,
        set_theme: Callable[[str], object],
        set_percent: Callable[[int], object],
        ask_for_new_keys: Callable[[Sequence[Person]], object],
    ) -> None:
        self._session = session
        self._assistant: Assistant | None = None
        self.theme = QComboBox()
        self.percent = QComboBox()
        self.sources = QTextBrowser()
        limit_lines(self.sources, session.look)
        self.device = DeviceCard(session)
        self.people = PeopleCard(session, ask_for_new_keys)
        self.widget, column, _head = page_frame(
            "Settings", "Appearance, people, this device, the policy of this machine, sources."
        )
        inner = QWidget()
        parts = QVBoxLayout(inner)
        parts.setContentsMargins(0, 0, 8, 0)
        parts.setSpacing(14)
        self._column = inner
        parts.addWidget(self._appearance(set_theme, set_percent))
        parts.addWidget(self.people.widget)
        parts.addWidget(self.device.widget)
        parts.addWidget(self._policy(session.around.policy))
        parts.addWidget(self._sources(), 1)
        column.addWidget(scrolled(inner), 1)
        session.look.follow(self.widget, self._show_look)
        self._show_look()

    def refresh(self) -> None:
        """Show the look, and the slot, as they stand."""
        self._show_look()
        self.device.refresh()
        self.people.refresh()

    def _show_look(self) -> None:
        self._column.setMaximumWidth(self._session.look.px(COLUMN_PX))
        self.show_assistant(self._assistant)
        for choice, value in (
            (self.theme, self._session.look.theme.name),
            (self.percent, self._session.look.percent),
        ):
            choice.blockSignals(True)
            choice.setCurrentIndex(choice.findData(value))
            choice.blockSignals(False)

    def show_assistant(self, assistant: Assistant | None) -> None:
        """Name the sources with the versions that are loaded."""
        self._assistant = assistant
        text = (resources.files("resources") / "help" / "sources.md").read_text(encoding="utf-8")
        version = assistant.catalogue.version if assistant else "not loaded yet"
        provider = (assistant.provider if assistant else "") or "none"
        model = (assistant.model_version if assistant else "") or "none"
        shown = text.replace("{hpo_version}", version).replace("{provider}", provider)
        packs = assistant.catalogue.graph.packs if assistant else ()
        more = "".join(f"\n\n**{pack.title}**: {pack.licence or 'no licence stated'}." for pack in packs)
        show_markdown(self.sources, shown.replace("{model_version}", model[:12]) + more, self._session.look)

    def _appearance(
        self, set_theme: Callable[[str], object], set_percent: Callable[[int], object]
    ) -> QWidget:
        frame, column = card()
        column.addWidget(label("Appearance", "heading"))
        form = QFormLayout(horizontalSpacing=18, verticalSpacing=10)
        for theme in THEMES.values():
            self.theme.addItem(theme.title, theme.name)
        for percent in SCALES:
            self.percent.addItem(f"{percent} %", percent)
        self.theme.currentIndexChanged.connect(lambda _i: set_theme(self.theme.currentData()))
        self.percent.currentIndexChanged.connect(lambda _i: set_percent(self.percent.currentData()))
        for words, choice, tip in (
            ("&Theme", self.theme, "Ctrl+D changes between light and dark, plain or in high contrast"),
            ("Text si&ze", self.percent, "Ctrl + and Ctrl − change it, Ctrl 0 resets it"),
        ):
            choice.setToolTip(tip)
            choice.setMaximumWidth(self._session.look.px(220))
            form.addRow(named_field(words, choice), choice)
        column.addLayout(form)
        return frame

    def _policy(self, policy: Policy) -> QWidget:
        frame, column = card()
        column.addWidget(label("Policy of this machine", "heading"))
        form = QFormLayout(horizontalSpacing=18, verticalSpacing=8)
        for name, value in policy_rows(policy):
            form.addRow(label(name, "muted"), label(value, wrap=True))
        column.addLayout(form)
        return frame

    def _sources(self) -> QWidget:
        frame, column = card(margin=10)
        self.sources.setProperty("role", "bare")
        self.sources.setOpenExternalLinks(False)
        self.sources.setMinimumHeight(self._session.look.px(320))
        self.sources.setAccessibleName("Sources and licences")
        column.addWidget(self.sources)
        return frame


def packs_text(policy: Policy) -> str:
    """Which packs the policy lays over HPO."""
    named = ["common conditions"] if policy.common_pack else []
    return ", ".join([*named, *(str(pack) for pack in policy.packs)]) or "none"


def policy_rows(policy: Policy) -> tuple[tuple[str, str], ...]:
    """The policy in words."""
    cap = "set for each run" if policy.epsilon_cap is None else f"at most {policy.epsilon_cap:g}"
    folders = ", ".join(str(f) for f in policy.import_folders) or "any folder"
    return (
        ("Locks after", f"{policy.idle_lock_s / 60:g} minutes without input"),
        ("Privacy budget (epsilon)", cap),
        ("Update files", "may be exported" if policy.export_allowed else "must not be exported"),
        ("Imports from", folders),
        ("Knowledge packs", packs_text(policy)),
        ("Patients are seen in", policy.setting.replace("_", " ") or "as each user chooses"),
        ("A model must show", gates_text(policy)),
        ("Backups", backup_text(policy)),
        ("Policy file", str(policy.source) if policy.source else "none: the defaults hold"),
    )


def gates_text(policy: Policy) -> str:
    """What a model must show before it is used."""
    gates = policy.gates
    if gates is None:
        return "none"
    asked = (
        ("first right", "at least", gates.min_top1),
        ("first 10 right", "at least", gates.min_top10),
        ("calibration error", "at most", gates.max_ece),
        ("gap between groups", "at most", gates.max_gap),
        ("fall of the first 10", "at most", gates.max_fall),
    )
    said = [f"{what} {how} {limit:.1%}" for what, how, limit in asked if limit is not None]
    return ", ".join([*said, f"on {gates.notes} synthetic notes"])


def backup_text(policy: Policy) -> str:
    """When backups are made, where, and how many are kept."""
    if policy.backup_folder is None:
        return "none by this machine's policy"
    hours = "every hour" if policy.backup_every_h == 1 else f"every {policy.backup_every_h} hours"
    return f"{hours} into {policy.backup_folder}, the newest {policy.backup_keep} kept"
