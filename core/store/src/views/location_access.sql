CREATE TABLE view_location_access (
  -- fold(base, own operations); derived
  id      BLOB PRIMARY KEY NOT NULL,
  rev     INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  viewer  BLOB NOT NULL,
  subject BLOB NOT NULL,
  at_ms   INTEGER NOT NULL, -- best single moment, milliseconds since 1970 UTC
  body    TEXT NOT NULL
) STRICT;

CREATE INDEX view_location_access_subject ON view_location_access (subject, at_ms);
