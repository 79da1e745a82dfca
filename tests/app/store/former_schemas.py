"""What leads from each schema and page back to the one before, to try a vault of our own as it once was."""

UNDO = {
    1: "DROP TABLE note_pairs",
    2: """DROP INDEX patient_by_name; DROP INDEX patient_by_activity; DROP INDEX audit_event_of_import;
CREATE INDEX patient_by_name ON patient (name COLLATE NOCASE, id);
CREATE INDEX patient_by_activity ON patient (last_activity DESC, id)""",
    3: "DELETE FROM note_search_config WHERE k = 'pgsz'; DELETE FROM note_pairs_config WHERE k = 'pgsz'",
    4: """UPDATE patient
SET search_text = substr(search_text, 1, length(search_text) - length(birth_date) - 1)""",
    5: "DROP TABLE note_in_error",
}
RELEASED = tuple(UNDO)
FORMER_MACS = ("HMAC_SHA512", "HMAC_SHA256")  # in this order as long as SQLCipher's own was taken
