"""The next questions as a list: what it takes, what it settles, and what each answer would do."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app.clinical.percent import percent, stated
from app.gui.shell.row_delegate import Index, RowDelegate, draw_elided
from app.gui.theme.look import Look
from knowledge_graph.questions.cost_table import CostClass
from knowledge_graph.questions.next_question import Outcome, Question

ROW = Qt.ItemDataRole.UserRole
HOW = {
    CostClass.ASK: "ask",
    CostClass.EXAMINE: "examine",
    CostClass.BLOOD: "blood or urine",
    CostClass.IMAGING: "imaging",
    CostClass.BIOPSY: "biopsy",
    CostClass.SEQUENCING: "sequencing",
}


def settles(question: Question) -> str:
    """The gain in plain words."""
    return f"settles {percent(question.share)}"


def told(question: Question) -> str:
    """A question in whole sentences, for tool tips and screen readers."""
    parts = (
        f"{question.name} ({question.term_id})",
        f"To {HOW[question.cost_class]}; on average the answer {settles(question)} of what is uncertain.",
        *(
            f"{answer} ({percent(outcome.chance)} likely): {outcome.name} at {stated(outcome.probability)}."
            for answer, outcome in (("Yes", question.if_yes), ("No", question.if_no))
        ),
    )
    return "\n".join(parts)


class QuestionDelegate(RowDelegate):
    """Paints a question in two lines."""

    def __init__(self, look: Look, view: QListWidget) -> None:
        super().__init__(look, view, height=44)

    def paint_row(self, painter: QPainter, rect: QRectF, index: Index) -> None:
        """The finding and its class; the first disease after either answer."""
        look, question = self._look, index.data(ROW)
        inner = rect.adjusted(look.px(10), look.px(4), -look.px(10), -look.px(4))
        self._first_line(painter, inner, question)
        half = (inner.width() - look.px(12)) / 2
        left = QRectF(inner.left(), inner.top() + look.px(20), half, look.px(16))
        self._outcome(painter, left, "Yes", question.if_yes)
        self._outcome(painter, left.translated(half + look.px(12), 0), "No", question.if_no)

    def _first_line(self, painter: QPainter, rect: QRectF, question: Question) -> None:
        look, top = self._look, int(Qt.AlignmentFlag.AlignTop)
        said = f"{HOW[question.cost_class]}  ·  {settles(question)}"
        painter.setFont(look.font(11))
        painter.setPen(look.color("muted"))
        painter.drawText(rect, top | int(Qt.AlignmentFlag.AlignRight), said)
        room = rect.adjusted(0, 0, -painter.fontMetrics().horizontalAdvance(said) - look.px(10), 0)
        painter.setFont(look.font(12.5))
        painter.setPen(look.color("text"))
        draw_elided(painter, room, question.name)

    def _outcome(self, painter: QPainter, area: QRectF, answer: str, outcome: Outcome) -> None:
        look = self._look
        chance = stated(outcome.probability)
        painter.setFont(look.font(10.5))
        painter.setPen(look.color("muted"))
        right = int(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
        painter.drawText(area, right, chance)
        room = area.adjusted(0, 0, -painter.fontMetrics().horizontalAdvance(chance) - look.px(6), 0)
        draw_elided(painter, room, f"{answer}: {outcome.name}")


class QuestionList:
    """The list; one question is current."""

    def __init__(self, look: Look) -> None:
        self.widget = QListWidget()
        self._delegate = QuestionDelegate(look, self.widget)
        self.widget.setItemDelegate(self._delegate)
        self.widget.setProperty("role", "bare")
        self.widget.setAccessibleName("Next questions")
        self.widget.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        look.follow(self.widget, self.widget.doItemsLayout)

    def show(self, questions: Sequence[Question]) -> None:
        """Show these questions, the first one current."""
        self.widget.clear()
        for question in questions:
            item = QListWidgetItem(question.name, self.widget)
            item.setData(ROW, question)
            item.setToolTip(told(question))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, told(question))
        self.widget.setCurrentRow(0)

    def current(self) -> Question | None:
        """The current question."""
        item: QListWidgetItem | None = self.widget.currentItem()
        question: Question | None = None if item is None else item.data(ROW)
        return question
