CREATE TABLE receipt (
  -- what the server signed about this device's chain: at its time it had seen operation n with that hash
  n        INTEGER NOT NULL, -- the count at the head
  at_ms    INTEGER NOT NULL, -- the server's clock
  complete INTEGER NOT NULL, -- 1: the server had every operation up to n
  jws      TEXT NOT NULL,    -- compact JWS, ES256 by the server's key
  PRIMARY KEY (n, at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE track_point (
  -- points of an open work session until they are packed into a segment; a row is written only while the session is open
  seq   INTEGER PRIMARY KEY,
  shift BLOB NOT NULL,
  entry TEXT NOT NULL        -- JSON: a fix, or the reason of a gap
) STRICT;

CREATE INDEX track_point_shift ON track_point (shift, seq);
