-- what devices stated of their chains, in their own signatures, and what was stored of them then: all that a receipt says
CREATE TABLE statement (
  device   BLOB NOT NULL,
  n        INTEGER NOT NULL,   -- the count at the head
  at_ms    INTEGER NOT NULL,   -- when it arrived
  head     BLOB NOT NULL,
  sig      TEXT NOT NULL,
  ops      INTEGER NOT NULL,   -- how many operations up to n were stored
  complete INTEGER NOT NULL,   -- whether those were all
  epoch    BLOB NOT NULL,
  PRIMARY KEY (device, n, at_ms)
) STRICT, WITHOUT ROWID;

-- what was emptied when its period was over: JSON, when and why; the hash and the place in the chain stay
ALTER TABLE op ADD COLUMN erased TEXT;
CREATE INDEX op_by_kind ON op (kind, at_ms) WHERE erased IS NULL;

-- nothing of these users is emptied while they are here
CREATE TABLE hold (
  user  BLOB PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  why   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
