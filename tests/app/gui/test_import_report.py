"""The window's report of an import names what was refused, what was skipped, and what is of no use to it."""

from collections import Counter

from app.gui.importing.report_text import closing_line, report_rows
from app.workflows.import_records import ImportReport, ItemReport


def test_the_report_names_refusals_skips_and_fields_that_are_not_read() -> None:
    report = ImportReport(
        files=2,
        refused=[ItemReport("a.json", "file", "", "refused", "cut short")],
        imported=Counter(Condition=1),
        skipped=Counter(Claim=1),
        items=[ItemReport("b.json", "Claim", "entry 3", "skipped", "not a clinical record")],
        unread=Counter({"Condition.bodySite": 3}),
    )
    assert report_rows(report) == [
        ("a.json file", "refused", "cut short"),
        ("b.json Claim entry 3", "skipped", "not a clinical record"),
        ("Fields", "not read", "this program has no use for: Condition.bodySite (3)"),
    ]
    assert "1 item skipped, 1 file refused" in closing_line(report)
