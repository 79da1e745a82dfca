"""What leads from each schema back to the one before, to try its migration on a vault of our own."""

UNDO = {
    1: "DROP TABLE note_pairs",
    2: """DROP INDEX patient_by_name; DROP INDEX patient_by_activity; DROP INDEX audit_event_of_import;
CREATE INDEX patient_by_name ON patient (name COLLATE NOCASE, id);
CREATE INDEX patient_by_activity ON patient (last_activity DESC, id)""",
    3: "DELETE FROM note_search_config WHERE k = 'pgsz'; DELETE FROM note_pairs_config WHERE k = 'pgsz'",
}
RELEASED = tuple(UNDO)
