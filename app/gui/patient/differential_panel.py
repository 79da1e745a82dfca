"""The differential with its reasons, and the clinician's word on it."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.clinical.diagnosis import (
    Decision,
    Differential,
    DifferentialLine,
    elsewhere_text,
    possible_text,
)
from app.gui.patient.differential_list import DifferentialList, DiseaseRow, disease_rows
from app.gui.patient.evidence_list import EvidenceList, Reading
from app.gui.patient.noted_reason import NotedReason
from app.gui.patient.standing_line import StandingLine
from app.gui.shell.dialogs import sentence
from app.gui.shell.elided_label import ElidedLabel
from app.gui.shell.furniture import button, empty_state, label, row, set_role
from app.gui.shell.width_watch import WidthWatch, turn
from app.gui.theme.icons import icon
from app.gui.theme.look import Look

_SUPPORT = "Decision support, not a diagnosis."
_UNSURE = "The findings fit no disease well enough to name one. Treat this order as a list of ideas."
_OTHER_SETTING = "If that is where the patient is seen, choose it beside the name (Alt+I)."
ROOM_FOR_ALL = 440  # pixels at 100 % text
_SHARES = [300, 360]  # of the list and of the evidence below it
_OVER_ALL = "Probabilities are over all diseases known to the program"

_URGENCY = {"emergency": "act at once if suspected", "urgent": "act within a day if suspected"}

Decide = Callable[[DifferentialLine, Decision], object]
Read = Callable[[DifferentialLine | None], Reading | None]


class DifferentialPanel:
    """Shows what may be behind the findings; confirm and reject are handed to `decide`."""

    def __init__(
        self,
        look: Look,
        decide: Decide,
        draw: Callable[[DifferentialLine], object],
        *,
        name_another: Callable[[], object],
    ) -> None:
        self._look = look
        self._decide = decide
        self._draw = draw
        self._differential: Differential | None = None
        self._missing = ""
        self.stop: Callable[[], object] = lambda: None
        self.go_on: Callable[[], object] = lambda: None
        self.standing = StandingLine(self._turn_reading)
        self._share, self._stopped = 1.0, False
        self._short = False
        self.name = label("", "heading", wrap=True)
        self.source = ElidedLabel("small")
        self.evidence = EvidenceList(look, lambda noted: self.turn_to(noted))
        # Who explains the text: hears of each disease chosen, and says what was read of it.
        self.read_of: Read = lambda _line: None
        self.turn_to: Callable[[NotedReason], object] = lambda _noted: None
        self.about = row()  # under the name: facts, and what more can be looked at
        self._name_another = name_another
        self._make_buttons()
        self.list = DifferentialList(look, self._explain)
        self._stack = QStackedWidget()
        nothing = "Accept or mark findings in the note; the differential follows at once."
        self._stack.addWidget(empty_state(look, "question", "No differential yet", nothing))
        self._stack.addWidget(self._lists())
        self.widget = self._with_deeds()
        self._explain(None)
        self._add_keys()
        self._fit(0.0)  # the least that it can be, so that the window need not grow before it is fitted
        self._watch = WidthWatch(self.widget, look, self._fit, height=True)
        look.follow(self.widget, self._draw_tools)

    def show_busy(self) -> None:
        """Say that a new ranking is on the way; the old one stays readable."""
        self._tell("Ranking…")

    def show_message(self, text: str) -> None:
        """Say why there is no ranking."""
        self._tell(text, "error")

    def do_without_ranking(self, why: str) -> None:
        """No chart gets a ranking: each says why."""
        self._missing = why
        self.show_message(why)

    def show(
        self,
        differential: Differential,
        decision_of: Callable[[str], Decision | None],
        *,
        share: float | None = None,
    ) -> None:
        """Show a ranking with the words that stand on its diseases; `share` of the notes is read, 0 to 1."""
        self._differential = differential
        if share is not None:
            self._share, self._stopped = share, False
        self.tell_standing()
        self.list.show(disease_rows(differential, decision_of))
        self._stack.setCurrentIndex(1 if differential.lines else 0)

    def tell_reading(self, share: float) -> None:
        """Say how much of the notes is read by now."""
        self._share = share
        self.tell_standing()

    def tell(self, text: str) -> None:
        """Say what is under way."""
        self._tell(text)

    def tell_standing(self) -> None:
        """Say again how the ranking that is shown is to be taken."""
        shown = self._differential
        if shown is not None and self._share < 1:
            told = self.standing.tell_stopped if self._stopped else self.standing.tell_reading
            told(self._share)
        elif shown is not None:
            self.standing.tell_read()
            said = _UNSURE if shown.abstained else _SUPPORT
            narrowed = possible_text(shown.possible) if shown.possible and shown.possible.narrows else ""
            if narrowed and not self._short:
                said = f"{said} {narrowed}"
            if shown.elsewhere:
                said = f"{said} {elsewhere_text(shown.elsewhere)} {_OTHER_SETTING}"
            role = "notice" if shown.abstained or shown.elsewhere else "small"
            if shown.warning:
                said, role = sentence(f"the hospital's own knowledge has a mistake: {shown.warning}"), "error"
            self._tell(said if shown.lines else "", role)
            self.standing.label.setToolTip(f"{narrowed} {_OVER_ALL}".strip())

    def refresh(self, decision_of: Callable[[str], Decision | None]) -> None:
        """The same ranking with new words on it."""
        if self._differential is not None:
            self.show(self._differential, decision_of)

    def explain_again(self) -> None:
        """The same disease, with what is known of it now."""
        self._explain(self.list.current())

    def clear(self) -> None:
        """Forget the ranking of the patient shown before."""
        self._differential = None
        self._share, self._stopped = 1.0, False
        self.standing.tell_read()
        self.list.show(())
        self._stack.setCurrentIndex(0)
        self._tell(self._missing, "error" if self._missing else "small")

    def _tell(self, text: str, role: str = "small") -> None:
        self.standing.tell(text, role)

    def _turn_reading(self) -> None:
        """Stop, or go on."""
        self._stopped = not self._stopped
        self.tell_standing()
        (self.stop if self._stopped else self.go_on)()

    def _make_buttons(self) -> None:
        self.confirm = button(
            "Confirm", lambda: self._say(Decision.CONFIRMED), role="primary", tip="Confirm (Ctrl+Return)"
        )
        self.refuse = button("Reject", lambda: self._say(Decision.REJECTED), tip="Reject (Ctrl+Backspace)")
        self.graph = button("Graph", self._show_graph, tip="Draw this evidence as a graph (Ctrl+G)")
        self.sentences = button(
            "Sentences", lambda: None, tip="Show what each sentence of the notes counts (Ctrl+E)"
        )
        self.sentences.setCheckable(True)
        self.sentences.toggled.connect(lambda _on: self.explain_again())
        self.compare = button("Compare…", lambda: None, tip="Diseases side by side (Ctrl+K)")
        self._tools = {
            self.sentences: ("Sentences", "sentences"),
            self.graph: ("Graph", "graph"),
            self.compare: ("Compare…", "compare"),
        }
        self.other = button(
            "Other…", self._name_another, tip="Confirm a disease that is not listed (Ctrl+Shift+Return)"
        )

    def _fit(self, height: float) -> None:
        """With little height the list of diseases comes first: what is secondary makes itself small."""
        short = height < ROOM_FOR_ALL
        if short == self._short:
            return
        self._short = short
        self.list.set_short(short)
        self._draw_tools()
        turn(self._facts, beside=short)
        self._split.setSizes([2 * _SHARES[0], _SHARES[1]] if short else _SHARES)
        self.tell_standing()

    def _draw_tools(self) -> None:
        """Pictures in the line of the facts, or words in a line of their own."""
        for tool, (words, picture) in self._tools.items():
            tool.setText("" if self._short else words)
            tool.setIcon(icon(self._look, picture) if self._short else QIcon())
            tool.setAccessibleName(words.rstrip("…"))
            set_role(tool, "quiet" if self._short else "")

    def _lists(self) -> QWidget:
        self._split = split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self.list.widget)
        split.addWidget(self._detail())
        split.setSizes(_SHARES)
        outer = QWidget()
        column = QVBoxLayout(outer)
        column.setContentsMargins(6, 2, 6, 8)
        column.setSpacing(4)
        column.addWidget(split, 1)
        return outer

    def _detail(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(8, 8, 4, 0)
        column.setSpacing(4)
        column.addWidget(self.name)  # alone in its line: the last word of a name may tell two diseases apart
        self.about.addWidget(self.source, 1)
        self._facts = QVBoxLayout()
        self._facts.setSpacing(4)
        self._facts.addLayout(self.about, 1)
        self._facts.addLayout(row(None, *self._tools))
        column.addLayout(self._facts)
        column.addWidget(self.evidence.widget, 1)
        return made

    def _with_deeds(self) -> QWidget:
        """What is to be said stands above the lists, and above the place where none is yet."""
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.standing.widget)
        column.addWidget(self._stack, 1)
        deeds = row(self.other, None, self.refuse, self.confirm)
        deeds.setContentsMargins(14, 0, 10, 8)
        column.addLayout(deeds)
        return made

    def _add_keys(self) -> None:
        for keys, decision in (("Ctrl+Return", Decision.CONFIRMED), ("Ctrl+Backspace", Decision.REJECTED)):
            shortcut = QShortcut(QKeySequence(keys), self.widget)
            shortcut.activated.connect(lambda said=decision: self._say(said))
        QShortcut(QKeySequence("Ctrl+G"), self.widget).activated.connect(self._show_graph)
        QShortcut(QKeySequence("Ctrl+K"), self.widget).activated.connect(self.compare.click)
        QShortcut(QKeySequence("Ctrl+E"), self.widget).activated.connect(self.sentences.toggle)
        another = QShortcut(QKeySequence("Ctrl+Shift+Return"), self.widget)
        another.activated.connect(lambda: self._name_another())

    def _show_graph(self) -> None:
        found = self.list.current()
        if found is not None:
            self._draw(found.line)

    def _say(self, decision: Decision) -> None:
        found = self.list.current()
        if found is not None:
            self._decide(found.line, Decision.WITHDRAWN if found.decision is decision else decision)

    def _explain(self, found: DiseaseRow | None) -> None:
        line = found.line if found else None
        self.evidence.show(line, self.read_of(line))
        for deed in (self.confirm, self.refuse, self.graph, self.sentences, self.compare):
            deed.setEnabled(found is not None)
        said = found.decision if found else None
        self.name.setText(found.line.name if found else "")
        self.source.setText(_facts(found) if found else "")
        self.confirm.setText("Take back" if said is Decision.CONFIRMED else "Confirm")
        self.refuse.setText("Take back" if said is Decision.REJECTED else "Reject")


def _facts(found: DiseaseRow) -> str:
    """Under the name: the word that stands on the disease, its id, its genes, how often it is met."""
    genes = ", ".join(found.line.genes)
    gene = ("gene " if len(found.line.genes) == 1 else "genes ") + genes if genes else ""
    ids = " = ".join((found.line.disease_id, *found.line.same_as))
    parts = (
        str(found.decision or ""),
        _URGENCY.get(found.line.urgency, ""),
        ids,
        gene,
        *found.line.epidemiology[:1],
    )
    return "  ·  ".join(part for part in parts if part)
