-- what was emptied when its period was over: JSON, when and why; the hash and the place in the chain stay
ALTER TABLE op ADD COLUMN erased TEXT;
CREATE INDEX op_by_kind ON op (kind, at_ms) WHERE erased IS NULL;

-- nothing of these users is emptied while they are here
CREATE TABLE hold (
  user  BLOB PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  why   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
