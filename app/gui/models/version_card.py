"""The card of one version: what it is, and, once measured, its report with the reliability diagram."""

from PySide6.QtWidgets import QFrame, QTextBrowser

from app.gui.models.reliability_diagram import ReliabilityDiagram
from app.gui.shell.furniture import card
from app.gui.shell.reading import limit_lines, show_markdown
from app.gui.theme.look import Look
from app.workflows.describe_model import describe_model
from app.workflows.describe_report import report_markdown
from ml.evaluation.model_report import ModelReport
from ml.registry.model_version import ModelVersion

NOT_MEASURED = (
    "\n## Not measured yet\n*Measure* reads public synthetic notes with it; no patient's data is used."
)


class VersionCard:
    """A text to read above, a drawing below."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.text = QTextBrowser()
        limit_lines(self.text, look)
        self.text.setProperty("role", "bare")
        self.text.setAccessibleName("Model card")
        self.diagram = ReliabilityDiagram(look)
        self.widget: QFrame
        self.widget, column = card(margin=10)
        column.addWidget(self.text, 1)
        column.addWidget(self.diagram)
        self.diagram.show_way(None)

    def show(self, version: ModelVersion | None, report: ModelReport | None) -> None:
        """Show a version with what was measured of it, or nothing."""
        told = "" if version is None else describe_model(version)
        if version is not None:
            told += "\n" + report_markdown(report) if report else NOT_MEASURED
        show_markdown(self.text, told, self._look)
        self.diagram.show_way(report.fused if report else None)
