CREATE TABLE view_track_root (
  -- fold(base, own operations); derived
  id       BLOB PRIMARY KEY NOT NULL,
  rev      INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  deleted  INTEGER NOT NULL,
  shift    BLOB NOT NULL,
  rep      BLOB NOT NULL,
  i        INTEGER NOT NULL, -- its number within the session, from 0
  day      TEXT NOT NULL,    -- local calendar day, YYYY-MM-DD
  at_ms    INTEGER NOT NULL, -- best single moment of its beginning, milliseconds since 1970 UTC
  until_ms INTEGER NOT NULL, -- the same of its end
  fixes    INTEGER NOT NULL, -- recorded
  body     TEXT NOT NULL
) STRICT;

CREATE INDEX view_track_root_day ON view_track_root (rep, day, at_ms);
CREATE INDEX view_track_root_shift ON view_track_root (shift, i);
