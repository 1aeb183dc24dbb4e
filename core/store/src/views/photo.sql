CREATE TABLE view_photo (
  -- fold(base, own operations); derived
  id        BLOB PRIMARY KEY NOT NULL,
  rev       INTEGER NOT NULL,
  pending   INTEGER NOT NULL,
  deleted   INTEGER NOT NULL,
  rep       BLOB NOT NULL,    -- who took it
  customer  BLOB NOT NULL,
  visit     BLOB,             -- during which it was taken
  number    INTEGER NOT NULL, -- the rep's own count on the device that took it
  at_ms     INTEGER NOT NULL, -- best single moment, milliseconds since 1970 UTC
  sha256    BLOB NOT NULL,    -- of the original
  look      BLOB,             -- what it looks like: 256 bits for each cut
  withdrawn INTEGER NOT NULL, -- 1: its author withdrew it
  body      TEXT NOT NULL
) STRICT;

CREATE INDEX view_photo_customer ON view_photo (customer, at_ms);
CREATE INDEX view_photo_number ON view_photo (rep, number);
CREATE INDEX view_photo_rep ON view_photo (rep, at_ms);
CREATE INDEX view_photo_sha256 ON view_photo (sha256);
CREATE INDEX view_photo_visit ON view_photo (visit, at_ms) WHERE visit IS NOT NULL;
