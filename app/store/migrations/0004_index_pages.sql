-- A page of the full-text index fits into one page of the file. FTS5's own size is meant for files without SQLCipher's 80
-- bytes a page; with it, each page of the index took two. Holds for what is written from now on.
INSERT INTO note_search (note_search, rank) VALUES ('pgsz', 3970);
INSERT INTO note_pairs (note_pairs, rank) VALUES ('pgsz', 3970);
