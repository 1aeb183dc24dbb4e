CREATE TABLE view_gap_note (
  -- fold(base, own operations); derived
  id       BLOB PRIMARY KEY NOT NULL,
  rev      INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  deleted  INTEGER NOT NULL,
  shift    BLOB NOT NULL,
  from_ms  INTEGER NOT NULL, -- best single moment of the gap's beginning, milliseconds since 1970 UTC
  body     TEXT NOT NULL
) STRICT;

CREATE INDEX view_gap_note_shift ON view_gap_note (shift, from_ms);
