CREATE TABLE view_shift (
  -- fold(base, own operations); derived
  id         BLOB PRIMARY KEY NOT NULL,
  rev        INTEGER NOT NULL,
  pending    INTEGER NOT NULL,
  deleted    INTEGER NOT NULL,
  rep        BLOB NOT NULL,
  device     BLOB NOT NULL,    -- the one whose clock measures it
  state      TEXT NOT NULL,    -- its name on the wire
  started_ms INTEGER NOT NULL, -- best single moment, milliseconds since 1970 UTC
  body       TEXT NOT NULL
) STRICT;

CREATE INDEX view_shift_rep ON view_shift (rep, started_ms);
CREATE INDEX view_shift_open ON view_shift (rep, device, started_ms) WHERE state = 'open';
