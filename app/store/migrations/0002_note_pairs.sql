-- Texts without spaces between words: pairs of neighbouring Han, kana or Hangul characters, searched as phrases.
CREATE VIRTUAL TABLE note_pairs USING fts5 (pairs, content = '', contentless_delete = 1, detail = full);
INSERT INTO note_pairs (rowid, pairs)
    SELECT number, character_pairs(title || ' ' || text) FROM note WHERE character_pairs(title || ' ' || text) <> '';
