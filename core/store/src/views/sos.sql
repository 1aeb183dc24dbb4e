CREATE TABLE view_sos (
  -- fold(base, own operations); derived
  id       BLOB PRIMARY KEY NOT NULL,
  rev      INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  deleted  INTEGER NOT NULL,
  rep      BLOB NOT NULL,
  at_ms    INTEGER NOT NULL, -- best single moment of the press, milliseconds since 1970 UTC
  placed   INTEGER NOT NULL, -- 1: a position was sent
  body     TEXT NOT NULL
) STRICT;

CREATE INDEX view_sos_rep ON view_sos (rep, at_ms);
