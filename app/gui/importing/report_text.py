"""An import's report in words: one closing line, and a row for whatever was not imported whole."""

from app.workflows.import_records import ImportReport

MOST_ROWS = 2_000


def closing_line(report: ImportReport) -> str:
    """What happened, in one or two sentences."""
    items = sum(report.imported.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.imported.most_common(6))
    said = [
        f"{counted(items, 'item')} read from {counted(report.files, 'file')}"
        + (f": {kinds}." if kinds else ".")
    ]
    said.append(f"{report.added:,} new, {report.changed:,} changed, {report.unchanged:,} already there.")
    skipped = sum(report.skipped.values())
    if skipped or report.refused:
        refused = counted(len(report.refused), "file")
        said.append(f"{counted(skipped, 'item')} skipped, {refused} refused; the reasons follow.")
    return " ".join(said)


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 file`, `2,000 files`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def report_rows(report: ImportReport) -> list[tuple[str, str, str]]:
    """(where, outcome, why), refused files first; at most MOST_ROWS and a line that says so."""
    whole = [*report.refused, *report.items]
    rows = [
        (" ".join(part for part in (item.file, item.kind, item.place) if part), item.outcome, item.reason)
        for item in whole[:MOST_ROWS]
    ]
    if len(whole) > MOST_ROWS:
        rows.append((f"{len(whole) - MOST_ROWS:,} more", "", "run `anamnesis import --json` to see all"))
    if report.unread:
        fields = ", ".join(f"{name} ({count:,})" for name, count in report.unread.most_common(40))
        rows.append(("Fields", "not read", f"this program has no use for: {fields}"))
    return rows
