CREATE TABLE view_note (
  -- fold(base, own operations); derived
  id       BLOB PRIMARY KEY NOT NULL,
  rev      INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  deleted  INTEGER NOT NULL,
  customer BLOB NOT NULL,
  visit    BLOB,             -- during which it was written
  author   BLOB NOT NULL,
  at_ms    INTEGER NOT NULL, -- best single moment, milliseconds since 1970 UTC
  corrects BLOB,             -- the note that this one corrects
  body     TEXT NOT NULL
) STRICT;

CREATE INDEX view_note_customer ON view_note (customer, at_ms);
CREATE INDEX view_note_visit ON view_note (visit, at_ms) WHERE visit IS NOT NULL;
