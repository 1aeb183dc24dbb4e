CREATE TABLE meta (
  -- single values by name: see meta.rs
  key   TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE base (
  -- what the server said last; written by publish alone
  kind  TEXT NOT NULL,
  id    BLOB NOT NULL,              -- 16 bytes
  rev   INTEGER NOT NULL,           -- the server's revision of the record
  body  TEXT NOT NULL,              -- JSON, with the fields that this version does not know
  stale INTEGER NOT NULL DEFAULT 0, -- 1: of an epoch before, or of a scope with a wrong digest: whatever comes replaces it, however low its revision
  PRIMARY KEY (kind, id)
) STRICT;

CREATE TABLE base_scope (
  -- why a base row is here; a base row that no scope holds goes
  scope TEXT NOT NULL,
  kind  TEXT NOT NULL,
  id    BLOB NOT NULL,
  PRIMARY KEY (scope, kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX base_scope_record ON base_scope (kind, id);

CREATE TABLE outbox (
  -- operations that the server has not answered for good. Frozen for all versions, later ones included: n, op_id, bytes, sha
  n          INTEGER PRIMARY KEY,        -- this device's count
  op_id      BLOB NOT NULL UNIQUE,
  kind       TEXT NOT NULL,
  rec        BLOB NOT NULL,
  act        TEXT NOT NULL,
  group_id   BLOB,                       -- operations that stand or fall together
  bytes      BLOB NOT NULL,              -- exactly what is sent
  sha        BLOB NOT NULL,              -- SHA-256 of bytes
  attempts   INTEGER NOT NULL DEFAULT 0, -- failed attempts to send it
  last_error TEXT                        -- what the last of them said
) STRICT;

CREATE INDEX outbox_record ON outbox (kind, rec, n);

CREATE TABLE history (
  -- operations that the server has answered for good, for the replay window
  op_id      BLOB PRIMARY KEY NOT NULL,
  n          INTEGER UNIQUE,   -- NULL: of a device identity before this one
  kind       TEXT NOT NULL,
  rec        BLOB NOT NULL,
  act        TEXT NOT NULL,
  group_id   BLOB,
  bytes      BLOB NOT NULL,
  sha        BLOB NOT NULL,
  outcome    TEXT NOT NULL,    -- JSON, as the server said it
  effect_seq INTEGER,          -- its place in the tenant's order; NULL: it changed nothing, or base has it for certain
  effect_rev INTEGER,          -- the record's revision after it
  settled_ms INTEGER           -- device's wall clock; NULL: found damaged at a start, where no clock is read
) STRICT;

CREATE INDEX history_record ON history (kind, rec, effect_seq);
CREATE INDEX history_effect ON history (effect_seq) WHERE effect_seq IS NOT NULL;
CREATE INDEX history_settled ON history (settled_ms);

CREATE TABLE attention (
  -- operations that a person has to look at
  op_id       BLOB PRIMARY KEY NOT NULL, -- of history; of the outbox while it goes up again after a restore of the server
  code        TEXT NOT NULL,
  detail      TEXT NOT NULL, -- JSON
  created_ms  INTEGER,       -- NULL: found damaged at a start, where no clock is read
  resolved_by TEXT,          -- the operation that replaces it, or how else it was dealt with; NULL: open
  resolved_ms INTEGER
) STRICT;

CREATE INDEX attention_open ON attention (created_ms) WHERE resolved_by IS NULL;

CREATE TABLE scope_state (
  -- the scopes that the user may see, and how far this copy of them goes
  scope         TEXT PRIMARY KEY NOT NULL,
  cursor        INTEGER NOT NULL DEFAULT 0, -- published up to here
  staged_cursor INTEGER,                    -- staged up to here
  digest        TEXT NOT NULL,              -- of the published rows, as domain::scope::Digest
  wanted        INTEGER NOT NULL DEFAULT 0, -- 1: to be had as a snapshot; with a staged_cursor: had, and replaces what is published
  snap_pin      INTEGER,                    -- the snapshot's place in the tenant's order
  snap_kind     TEXT,                       -- the last record that was staged of it
  snap_id       BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE staged (
  -- what has arrived and is not published yet
  scope TEXT NOT NULL,
  kind  TEXT NOT NULL,
  id    BLOB NOT NULL,
  seq   INTEGER NOT NULL,
  rev   INTEGER NOT NULL,
  body  TEXT,              -- NULL: the record leaves the scope
  PRIMARY KEY (scope, kind, id)
) STRICT;
