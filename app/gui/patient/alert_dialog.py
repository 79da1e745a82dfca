"""Why the rules spoke: everything that fired with its reasons and sources, and what almost did."""

from PySide6.QtWidgets import QDialog, QListWidgetItem, QVBoxLayout, QWidget

from app.gui.patient.alert_text import trace_lines
from app.gui.shell.dialogs import size_within
from app.gui.shell.furniture import button, foot, label
from app.gui.shell.worded_list import worded_list
from app.gui.theme.look import Look
from knowledge_graph.rules.trace import RuleTrace


class AlertDialog:
    """A list, so that the keyboard and a screen reader walk through it line by line."""

    def __init__(self, parent: QWidget, look: Look) -> None:
        self._look = look
        self.dialog = QDialog(parent)
        self.dialog.setWindowTitle("Why these alerts")
        self.list = worded_list(look, "Alerts with their reasons and sources")
        self._tried = label("", "small")
        close = button("Close", self.dialog.hide, tip="Close (Esc)")
        close.setAutoDefault(False)
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(10)
        column.addWidget(label("Why these alerts", "heading"))
        column.addWidget(
            label(
                "Rules stand beside the probabilities: they move no disease, they say what must not wait.",
                "muted",
                wrap=True,
            )
        )
        column.addWidget(self.list, 1)
        column.addLayout(foot(self._tried, close))

    def open(self, trace: RuleTrace) -> None:
        """Show a trace."""
        self.list.clear()
        for role, words in trace_lines(trace):
            sign = "   •  " if role == "reason" else ""
            item = QListWidgetItem(sign + words)
            item.setFont(self._look.font(12.5 if role == "heading" else 12, bold=role == "heading"))
            item.setForeground(self._look.color("muted" if role == "small" else "text"))
            self.list.addItem(item)
        self._tried.setText(f"{trace.rules_tried} rules were tried.")
        self.dialog.resize(size_within(self.dialog, self._look, 720, 560))
        self.dialog.show()
        self.list.setFocus()

    def clear(self) -> None:
        """Forget what was shown."""
        self.dialog.hide()
        self.list.clear()
