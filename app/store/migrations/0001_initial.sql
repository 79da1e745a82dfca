-- The first schema. Bodies are JSON of the clinical nouns; what lists and searches need stands in columns.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE patient (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    birth_date TEXT NOT NULL,
    sex TEXT NOT NULL,
    search_text TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    origin TEXT NOT NULL,
    body BLOB NOT NULL,
    note_count INTEGER NOT NULL DEFAULT 0,
    finding_count INTEGER NOT NULL DEFAULT 0,
    last_activity TEXT NOT NULL DEFAULT '',
    confirmed TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX patient_by_name ON patient (name COLLATE NOCASE, id);
CREATE INDEX patient_by_activity ON patient (last_activity DESC, id);

CREATE TABLE record (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    patient_id TEXT NOT NULL REFERENCES patient (id),
    happened_at TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    origin TEXT NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX record_by_patient ON record (patient_id, kind, happened_at, id);

-- What a record said before another file changed it, and the file that had said it: importing that same file again
-- does not bring the older content back.
CREATE TABLE superseded (
    id TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    origin TEXT NOT NULL,
    PRIMARY KEY (id, content_hash, origin)
) WITHOUT ROWID;

CREATE TABLE note (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    patient_id TEXT NOT NULL REFERENCES patient (id),
    encounter_id TEXT,
    title TEXT NOT NULL,
    written_at TEXT NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE INDEX note_by_patient ON note (patient_id, written_at, id);
CREATE TRIGGER note_is_immutable BEFORE UPDATE OF text, sha256, id, patient_id ON note
BEGIN SELECT RAISE(ABORT, 'a note is immutable'); END;
CREATE VIRTUAL TABLE note_search USING fts5 (
    title, text, content = 'note', content_rowid = 'number', tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
);
CREATE TRIGGER note_is_indexed AFTER INSERT ON note
BEGIN INSERT INTO note_search (rowid, title, text) VALUES (new.number, new.title, new.text); END;

CREATE TABLE annotation_event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    note_id TEXT NOT NULL REFERENCES note (id),
    patient_id TEXT NOT NULL REFERENCES patient (id),
    body BLOB NOT NULL
);
CREATE INDEX annotation_event_by_note ON annotation_event (note_id, sequence);
CREATE TRIGGER annotation_event_stays BEFORE UPDATE ON annotation_event
BEGIN SELECT RAISE(ABORT, 'the annotation log is append-only'); END;
CREATE TRIGGER annotation_event_is_kept BEFORE DELETE ON annotation_event
BEGIN SELECT RAISE(ABORT, 'the annotation log is append-only'); END;

CREATE TABLE diagnosis (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    patient_id TEXT NOT NULL REFERENCES patient (id),
    disease_id TEXT NOT NULL,
    decision TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX diagnosis_by_patient ON diagnosis (patient_id, sequence);
CREATE TRIGGER diagnosis_stays BEFORE UPDATE ON diagnosis
BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;

CREATE TABLE audit_event (
    sequence INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    user TEXT NOT NULL,
    action TEXT NOT NULL,
    record_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL,
    signature BLOB NOT NULL
);
CREATE TRIGGER audit_event_stays BEFORE UPDATE ON audit_event
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_event_is_kept BEFORE DELETE ON audit_event
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE ledger_entry (sequence INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TRIGGER ledger_entry_stays BEFORE UPDATE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'the privacy ledger is append-only'); END;
CREATE TRIGGER ledger_entry_is_kept BEFORE DELETE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'the privacy ledger is append-only'); END;

CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
