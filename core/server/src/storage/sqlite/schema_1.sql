-- Ids are the 16 bytes of their UUID, hashes 32 bytes, times Unix milliseconds, revisions and places in the order count from 1.

CREATE TABLE identity (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  tenant  BLOB NOT NULL,
  company TEXT NOT NULL,
  epoch   BLOB NOT NULL,   -- rotated when a backup is restored
  key     BLOB NOT NULL,   -- P-256 secret that signs the time
  tickets BLOB NOT NULL    -- HMAC secret of the tokens
) STRICT;

-- the tenant's order: dense, one place per applied operation
CREATE TABLE feed (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL
) STRICT;
INSERT INTO feed VALUES (1, 0);

CREATE TABLE user (
  user   BLOB PRIMARY KEY,
  name   TEXT NOT NULL,
  role   TEXT NOT NULL,
  team   TEXT NOT NULL,
  active INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- what a user saw once: pending work on it goes to a person, not into the bin
CREATE TABLE former_scope (
  user  BLOB NOT NULL,
  scope TEXT NOT NULL,
  PRIMARY KEY (user, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
  code     BLOB PRIMARY KEY,   -- SHA-256 of the code
  user     BLOB NOT NULL,
  until_ms INTEGER NOT NULL,
  used_key TEXT,
  device   BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE device (
  device      BLOB PRIMARY KEY,
  user        BLOB NOT NULL,
  key         TEXT NOT NULL,
  name        TEXT NOT NULL,
  app         TEXT NOT NULL,
  enrolled_ms INTEGER NOT NULL,
  seen_ms     INTEGER NOT NULL,
  revoked     INTEGER NOT NULL,
  have        TEXT NOT NULL,   -- its counts that are stored, as JSON ranges
  head_n      INTEGER,         -- its last signed statement of its chain
  head        BLOB,
  head_sig    TEXT
) STRICT, WITHOUT ROWID;

-- every operation that ever got a terminal outcome, with its bytes: the ledger, and the vault
CREATE TABLE op (
  arrival INTEGER PRIMARY KEY,
  op      BLOB NOT NULL UNIQUE,
  sha     BLOB NOT NULL,
  prev    BLOB,
  device  BLOB NOT NULL,
  user    BLOB NOT NULL,
  n       INTEGER,
  kind    TEXT,
  id      BLOB,
  at_ms   INTEGER NOT NULL,
  outcome TEXT NOT NULL,   -- JSON, as it went over the wire
  bytes   BLOB NOT NULL
) STRICT;
CREATE INDEX op_by_device ON op (device, n);

CREATE TABLE record (
  kind TEXT NOT NULL,
  id   BLOB NOT NULL,
  rev  INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT;

CREATE TABLE history (
  kind  TEXT NOT NULL,
  id    BLOB NOT NULL,
  rev   INTEGER NOT NULL,
  seq   INTEGER NOT NULL,
  op    BLOB,              -- none when the server itself made the revision
  at_ms INTEGER NOT NULL,
  body  TEXT NOT NULL,
  PRIMARY KEY (kind, id, rev)
) STRICT;

-- an always compacted log: one row per record and scope, moved up on each change
CREATE TABLE scope_entry (
  scope   TEXT NOT NULL,
  kind    TEXT NOT NULL,
  id      BLOB NOT NULL,
  seq     INTEGER NOT NULL,
  present INTEGER NOT NULL,   -- 0 once the record has left
  PRIMARY KEY (scope, kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX scope_entry_in_order ON scope_entry (scope, seq);
CREATE INDEX scope_entry_of_record ON scope_entry (kind, id);

CREATE TABLE scope_head (
  scope  TEXT PRIMARY KEY,
  seq    INTEGER NOT NULL,
  digest TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alarm (
  alarm    INTEGER PRIMARY KEY,
  code     TEXT NOT NULL,
  device   BLOB,
  op       BLOB,
  detail   TEXT NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms  INTEGER NOT NULL,
  times    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX alarm_once ON alarm (code, ifnull(device, x''), ifnull(op, x''), detail);

CREATE TABLE audit (
  entry INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  by    BLOB,              -- none for the operator at the machine
  what  TEXT NOT NULL,
  about TEXT NOT NULL
) STRICT;
