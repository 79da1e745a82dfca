-- Notes that were entered in error: the note stays as it was written, and counts nowhere while it has a row here.
CREATE TABLE note_in_error (
    number INTEGER PRIMARY KEY REFERENCES note (number),
    reason TEXT NOT NULL,
    marked_by TEXT NOT NULL,
    marked_at TEXT NOT NULL
);
