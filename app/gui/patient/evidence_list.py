"""Why a disease stands where it does: findings for and against, what else weighs, what to ask next."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app.clinical.diagnosis import DifferentialLine
from app.gui.patient.noted_reason import SILENT, NotedReason, signed, strongest
from app.gui.shell.row_delegate import MIDDLE, Index, RowDelegate, draw_elided
from app.gui.theme.look import Look
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.rationale.evidence import Evidence
from knowledge_graph.terms.term import DiseaseId, TermId

ROW = Qt.ItemDataRole.UserRole
STRONGEST = 6.0  # natural log units that fill half a bar


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A heading (`weight` None, no detail), a finding with its weight and sources, or a question."""

    text: str
    detail: str = ""
    weight: float | None = None
    heading: bool = False
    struck: bool = False
    references: tuple[str, ...] = ()
    noted: NotedReason | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the text model read in the notes about one disease: by sentence, and by finding."""

    sentences: Sequence[NotedReason] = ()
    findings: Mapping[TermId, float] = field(default_factory=dict)


def evidence_rows(line: DifferentialLine, reading: Reading | None = None) -> tuple[EvidenceRow, ...]:
    """Findings for, strongest first; against; says little; the rest; the notes' sentences; questions."""
    speaking = sorted(line.evidence, key=lambda e: -e.log_likelihood_ratio)
    groups = (
        ("Speaks for", [e for e in speaking if e.log_likelihood_ratio >= SILENT]),
        ("Speaks against", [e for e in reversed(speaking) if e.log_likelihood_ratio <= -SILENT]),
        ("Says little", [e for e in speaking if abs(e.log_likelihood_ratio) < SILENT]),
    )
    return tuple(_rows(groups, line, reading or Reading()))


def _rows(
    groups: tuple[tuple[str, list[Evidence]], ...], line: DifferentialLine, reading: Reading
) -> Iterator[EvidenceRow]:
    yield from _sentences(reading)
    for title, evidence in groups:
        if evidence:
            yield EvidenceRow(title, heading=True)
        for found in evidence:
            struck = found.state is FindingState.EXCLUDED
            yield EvidenceRow(
                found.name,
                "  ·  ".join(filter(None, (_in_text(found, reading), detail_of(found)))),
                found.log_likelihood_ratio,
                struck=struck,
                references=references_of(found),
            )
    yield from _beside(line)
    if line.not_yet_asked:
        yield EvidenceRow("Not yet asked", heading=True)
        for term_id, name in line.not_yet_asked:
            yield EvidenceRow(name, str(term_id))


def _sentences(reading: Reading) -> Iterator[EvidenceRow]:
    few = strongest(reading.sentences)
    if few:
        yield EvidenceRow("Read in the notes, by the text model", heading=True)
    for noted in few:
        yield EvidenceRow(noted.quote, noted.origin, noted.weight, noted=noted)


def _in_text(evidence: Evidence, reading: Reading) -> str:
    """What the text model makes of the same finding where the notes name it."""
    weight = reading.findings.get(evidence.term_id, 0.0)
    return f"in the text {signed(weight)}" if abs(weight) >= SILENT else ""


def _beside(line: DifferentialLine) -> Iterator[EvidenceRow]:
    """What weighs beside the single findings, in their unit."""
    weight = line.graph_weight or 1.0
    told = (
        (
            "The picture as a whole",
            "how well all findings together fit the disease",
            line.picture_score / weight,
        ),
        ("The second look", "how well its kin and namesakes fit", line.second_look_score / weight),
        ("Sex and age", "how well they fit the disease's inheritance and onset", line.context_score / weight),
        ("The setting", "how common the disease is where the patient is seen", line.prior_score / weight),
    )
    said = [EvidenceRow(text, detail, score) for text, detail, score in told if abs(score) >= SILENT]
    said += [EvidenceRow(f"Rule: {h.title}", h.source, h.log_factor / weight) for h in line.held]
    if said:
        yield EvidenceRow("Weighs as well", heading=True)
        yield from said


def references_of(evidence: Evidence) -> tuple[str, ...]:
    """Every reference once."""
    return tuple(dict.fromkeys(filter(None, evidence.references)))


def detail_of(evidence: Evidence) -> str:
    """How the disease knows a finding: its own term, how often, and who says so."""
    parts = []
    references = references_of(evidence)
    if evidence.met_as:
        parts.append(evidence.met_as)
    if evidence.frequency:
        parts.append(evidence.frequency)
    kin = evidence.borrowed_from
    if kin:
        parts.append(f"said of {kin}")
        references = tuple(r for r in references if r != kin)
    if references:
        more = f" +{len(references) - 2}" if len(references) > 2 else ""
        parts.append(", ".join(references[:2]) + more)
    if not evidence.matched_term_id and not parts:
        parts.append("not known of this disease")
    return "  ·  ".join(parts)


class EvidenceDelegate(RowDelegate):
    """Paints a finding, a bar to the right for and to the left against, and its source."""

    def __init__(self, look: Look, view: QListWidget) -> None:
        super().__init__(look, view, height=38)

    def height_of(self, index: Index) -> int:
        """Headings and questions take one line, findings two."""
        found: EvidenceRow = index.data(ROW)
        return 26 if found.heading else 25 if found.weight is None else self._height

    def paint_row(self, painter: QPainter, rect: QRectF, index: Index) -> None:
        """A heading or a finding."""
        found: EvidenceRow = index.data(ROW)
        room = rect.adjusted(self._look.px(8), 0, -self._look.px(10), 0)
        if found.heading:
            painter.setFont(self._look.font(11, bold=True))
            painter.setPen(self._look.color("muted"))
            painter.drawText(room.adjusted(0, 0, 0, -3), int(Qt.AlignmentFlag.AlignBottom), found.text)
        else:
            self._finding(painter, room, found)

    def _finding(self, painter: QPainter, rect: QRectF, found: EvidenceRow) -> None:
        look = self._look
        asked = found.weight is None
        width = rect.width() if asked else rect.width() - look.px(138)
        name = QRectF(rect.left(), rect.top() + look.px(3), width, look.px(18))
        font = look.font(12.5)
        font.setStrikeOut(found.struck)
        self._line(painter, name, ("?  " if asked else "") + found.text, font=font, role="text")
        if asked:
            return
        low = QRectF(rect.left(), rect.top() + look.px(20), rect.width(), look.px(16))
        self._line(painter, low, found.detail, font=look.font(11), role="muted")
        self._weight(
            painter, QRectF(rect.right() - look.px(130), name.top(), look.px(130), name.height()), found
        )

    def _line(self, painter: QPainter, rect: QRectF, text: str, *, font: QFont, role: str) -> None:
        painter.setFont(font)
        painter.setPen(self._look.color(role))
        draw_elided(painter, rect, text, MIDDLE)

    def _weight(self, painter: QPainter, rect: QRectF, found: EvidenceRow) -> None:
        look = self._look
        weight = found.weight or 0.0
        painter.setFont(look.font(11.5))
        role = "good" if weight >= SILENT else "bad" if weight <= -SILENT else "muted"
        painter.setPen(look.color(role))
        right = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
        painter.drawText(rect, right, signed(weight))
        track = QRectF(rect.left(), rect.center().y() - look.px(3), look.px(88), look.px(6))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(look.color("track"))
        painter.drawRoundedRect(track, 3, 3)
        length = min(abs(weight) / STRONGEST, 1.0) * track.width() / 2
        start = track.center().x() if weight > 0 else track.center().x() - length
        painter.setBrush(look.color(role))
        painter.drawRect(QRectF(start, track.top(), length, track.height()))
        painter.setBrush(look.color("control"))
        painter.drawRect(QRectF(track.center().x() - 0.5, track.top() - 2, 1, track.height() + 4))


class EvidenceList:
    """The list of reasons."""

    def __init__(self, look: Look, turn_to: Callable[[NotedReason], object] = lambda _noted: None) -> None:
        self._shown: DiseaseId | None = None
        self.widget = QListWidget()
        self._delegate = EvidenceDelegate(look, self.widget)
        self.widget.setItemDelegate(self._delegate)
        self.widget.setProperty("role", "bare")
        self.widget.setAccessibleName("Evidence")
        self.widget.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.widget.itemActivated.connect(lambda item: self._turn(item, turn_to))
        self.widget.itemClicked.connect(lambda item: self._turn(item, turn_to))
        look.follow(self.widget, self.widget.doItemsLayout)

    def show(self, line: DifferentialLine | None, reading: Reading | None = None) -> None:
        """Explain a disease, or nothing; the same disease again keeps its place in the list."""
        same = line is not None and line.disease_id == self._shown
        row, place = self.widget.currentRow(), self.widget.verticalScrollBar().value()
        self._shown = line.disease_id if line is not None else None
        self.widget.clear()
        for found in evidence_rows(line, reading) if line is not None else ():
            item = QListWidgetItem(found.text, self.widget)
            item.setData(ROW, found)
            weight = "" if found.weight is None else f"{found.weight:+.2f}"
            told = (found.text, found.detail, weight, "\n".join(found.references))
            item.setToolTip("\n".join(part for part in told if part))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(part for part in told[:3] if part))
            if found.heading:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
        if same:
            self.widget.setCurrentRow(min(row, self.widget.count() - 1))
            self.widget.verticalScrollBar().setValue(place)

    def _turn(self, item: QListWidgetItem, turn_to: Callable[[NotedReason], object]) -> None:
        found: EvidenceRow = item.data(ROW)
        if found.noted is not None:
            turn_to(found.noted)
