CREATE TABLE track_kept (
  -- segments of tracks that stay on this phone; the record track_root of the same id tells the rest of the world what it may know
  id       BLOB PRIMARY KEY NOT NULL,
  shift    BLOB NOT NULL,
  rep      BLOB NOT NULL,
  i        INTEGER NOT NULL, -- its number within the session, from 0
  day      TEXT NOT NULL,    -- local calendar day, YYYY-MM-DD
  at_ms    INTEGER NOT NULL, -- best single moment of its beginning, milliseconds since 1970 UTC
  body     TEXT NOT NULL,    -- JSON: the packed segment, as it would have been sent
  fixes    TEXT NOT NULL,    -- the leaves of the tree: a fix a line, in the bytes that were hashed
  salts    BLOB NOT NULL     -- 32 bytes for each line
) STRICT;

CREATE INDEX track_kept_day ON track_kept (rep, day, at_ms);
CREATE INDEX track_kept_shift ON track_kept (shift, i);
