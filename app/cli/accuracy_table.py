"""Accuracies by source of notes and way of looking at them, as a table and as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.workflows.evaluate_notes import Report


_COLUMNS = ("top-1", "top-5", "top-10", "stated", "ECE", "chance", "Brier")


def as_dict(report: "Report") -> dict[str, dict[str, dict[str, object]]]:
    """Shares between 0 and 1."""
    return {source: {way: asdict(row) for way, row in ways.items()} for source, ways in report.items()}


def as_table(report: "Report") -> str:
    """One block a source, one line a way."""
    lines = []
    for source, ways in report.items():
        lines.append(f"{source}, {next(iter(ways.values())).n} notes")
        lines.append(f"  {'':16}" + "".join(f"{name:>9}" for name in _COLUMNS))
        for way, row in ways.items():
            shown = (row.top1, row.top5, row.top10, row.stated, row.ece, row.noise, row.brier)
            lines.append(f"  {way:16}" + "".join(f"{value:9.3f}" for value in shown))
    return "\n".join(lines)
