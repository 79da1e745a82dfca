-- The patient list is searched, filtered, counted and paged in these two indexes alone; whole rows are read for one page.
DROP INDEX patient_by_name;
DROP INDEX patient_by_activity;
CREATE INDEX patient_by_name ON patient (name COLLATE NOCASE, id, sex, confirmed, search_text);
CREATE INDEX patient_by_activity ON patient (last_activity DESC, id, sex, confirmed, search_text);
CREATE INDEX audit_event_of_import ON audit_event (detail) WHERE action = 'records-imported';
