CREATE TABLE view_check_in (
  -- fold(base, own operations); derived
  id         BLOB PRIMARY KEY NOT NULL,
  rev        INTEGER NOT NULL,
  pending    INTEGER NOT NULL,
  deleted    INTEGER NOT NULL,
  visit      BLOB NOT NULL,
  customer   BLOB NOT NULL,
  rep        BLOB NOT NULL,
  lat        REAL NOT NULL,    -- degrees north, in datum
  lon        REAL NOT NULL,    -- degrees east, in datum
  datum      TEXT NOT NULL,    -- wgs84, gcj02 or bd09
  accuracy_m REAL NOT NULL,    -- radius, metres
  at_ms      INTEGER NOT NULL, -- best single moment, milliseconds since 1970 UTC
  body       TEXT NOT NULL
) STRICT;

CREATE INDEX view_check_in_visit ON view_check_in (visit, at_ms);
CREATE INDEX view_check_in_rep ON view_check_in (rep, at_ms);
