-- The device's database, as a fresh one is made. Generated: UPDATE_DOCS=1 cargo test -p waymark-scenarios schema_doc

CREATE TABLE attention (
  -- operations that a person has to look at
  op_id       BLOB PRIMARY KEY NOT NULL, -- of history; of the outbox while it goes up again after a restore of the server
  code        TEXT NOT NULL,
  detail      TEXT NOT NULL, -- JSON
  created_ms  INTEGER,       -- NULL: found damaged at a start, where no clock is read
  resolved_by TEXT,          -- the operation that replaces it, or how else it was dealt with; NULL: open
  resolved_ms INTEGER
) STRICT;

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

CREATE TABLE blob (
  -- files of photos on this phone; the operation that declared them has their hashes as well
  sha256 BLOB PRIMARY KEY NOT NULL,
  len    INTEGER NOT NULL,
  mime   TEXT NOT NULL,
  path   TEXT NOT NULL, -- relative to the folder of photos beside this file
  role   TEXT NOT NULL, -- original, preview
  state  TEXT NOT NULL  -- local; missing: the file is not there; altered: its bytes do not give the hash
) STRICT;

CREATE TABLE capture (
  -- slots of the camera: written before it opens, gone in the transaction that saves the photo
  id       BLOB PRIMARY KEY NOT NULL, -- also the photo's, once it is saved
  path     TEXT NOT NULL,    -- relative to the folder of photos beside this file
  state    TEXT NOT NULL,    -- open; closed: a start found nothing in it; found: a file that no slot was written for
  reserved INTEGER NOT NULL, -- bytes that were held free for it
  begun_ms INTEGER NOT NULL, -- milliseconds since 1970 by this device's wall clock
  sha256   BLOB,             -- of the picture in it, once it is on its way to its place
  purpose  TEXT              -- JSON: what it is for; null when nobody knows
) STRICT;

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

CREATE TABLE meta (
  -- single values by name: see meta.rs
  key   TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

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

CREATE TABLE receipt (
  -- what the server signed about this device's chain: at its time it had seen operation n with that hash
  n        INTEGER NOT NULL, -- the count at the head
  at_ms    INTEGER NOT NULL, -- the server's clock
  complete INTEGER NOT NULL, -- 1: the server had every operation up to n
  jws      TEXT NOT NULL,    -- compact JWS, ES256 by the server's key
  PRIMARY KEY (n, at_ms)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE track_kept (
  -- segments of tracks that stay on this phone; the record track_root of the same id tells the rest of the world what it may know
  id       BLOB PRIMARY KEY NOT NULL,
  shift    BLOB NOT NULL,
  rep      BLOB NOT NULL,
  i        INTEGER NOT NULL, -- its number within the session, from 0
  day      TEXT NOT NULL,    -- local calendar day, YYYY-MM-DD
  at_ms    INTEGER NOT NULL, -- best single moment of its beginning, milliseconds since 1970 UTC
  body     TEXT NOT NULL,    -- JSON: the packed segment, as it would have been sent
  fixes    TEXT NOT NULL,    -- the leaves of the tree: a fix a line, in the bytes that were hashed
  salts    BLOB NOT NULL     -- 32 bytes for each line
) STRICT;

CREATE TABLE track_point (
  -- points of an open work session until they are packed into a segment; a row is written only while the session is open
  seq   INTEGER PRIMARY KEY,
  shift BLOB NOT NULL,
  entry TEXT NOT NULL        -- JSON: a fix, or the reason of a gap
) STRICT;

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

CREATE TABLE view_customer (
  -- fold(base, own operations); derived
  id       BLOB PRIMARY KEY NOT NULL,
  rev      INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  deleted  INTEGER NOT NULL,
  name     TEXT NOT NULL,
  owner    BLOB,             -- user id; NULL: nobody's
  lat      REAL,             -- degrees north, in datum
  lon      REAL,             -- degrees east, in datum
  datum    TEXT,             -- wgs84, gcj02 or bd09
  external TEXT,             -- its identity where it was imported from
  search   TEXT NOT NULL,    -- name, address, external, category and tags in lower case, one per line
  body     TEXT NOT NULL
) STRICT;

CREATE TABLE view_gap_note (
  -- fold(base, own operations); derived
  id       BLOB PRIMARY KEY NOT NULL,
  rev      INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  deleted  INTEGER NOT NULL,
  shift    BLOB NOT NULL,
  from_ms  INTEGER NOT NULL, -- best single moment of the gap's beginning, milliseconds since 1970 UTC
  body     TEXT NOT NULL
) STRICT;

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

CREATE TABLE view_member (
  -- fold(base, own operations); derived
  id      BLOB PRIMARY KEY NOT NULL, -- the user's id
  rev     INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  name    TEXT NOT NULL,
  search  TEXT NOT NULL,             -- the name, in lower case
  role    TEXT NOT NULL,
  team    TEXT NOT NULL,
  body    TEXT NOT NULL
) STRICT;

CREATE TABLE view_note (
  -- fold(base, own operations); derived
  id       BLOB PRIMARY KEY NOT NULL,
  rev      INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  deleted  INTEGER NOT NULL,
  customer BLOB NOT NULL,
  visit    BLOB,             -- during which it was written
  author   BLOB NOT NULL,
  at_ms    INTEGER NOT NULL, -- best single moment, milliseconds since 1970 UTC
  corrects BLOB,             -- the note that this one corrects
  body     TEXT NOT NULL
) STRICT;

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

CREATE TABLE view_policy (
  -- fold(base, own operations); derived
  id      BLOB PRIMARY KEY NOT NULL,
  rev     INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  topic   TEXT NOT NULL,
  version INTEGER NOT NULL,
  body    TEXT NOT NULL
) STRICT;

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

CREATE TABLE view_track_root (
  -- fold(base, own operations); derived
  id       BLOB PRIMARY KEY NOT NULL,
  rev      INTEGER NOT NULL,
  pending  INTEGER NOT NULL,
  deleted  INTEGER NOT NULL,
  shift    BLOB NOT NULL,
  rep      BLOB NOT NULL,
  i        INTEGER NOT NULL, -- its number within the session, from 0
  day      TEXT NOT NULL,    -- local calendar day, YYYY-MM-DD
  at_ms    INTEGER NOT NULL, -- best single moment of its beginning, milliseconds since 1970 UTC
  until_ms INTEGER NOT NULL, -- the same of its end
  fixes    INTEGER NOT NULL, -- recorded
  body     TEXT NOT NULL
) STRICT;

CREATE TABLE view_track_segment (
  -- fold(base, own operations); derived
  id         BLOB PRIMARY KEY NOT NULL,
  rev        INTEGER NOT NULL,
  pending    INTEGER NOT NULL,
  deleted    INTEGER NOT NULL,
  shift      BLOB NOT NULL,
  rep        BLOB NOT NULL,
  i          INTEGER NOT NULL, -- its number within the session, from 0
  day        TEXT NOT NULL,    -- local calendar day, YYYY-MM-DD
  at_ms      INTEGER NOT NULL, -- best single moment of its beginning, milliseconds since 1970 UTC
  until_ms   INTEGER NOT NULL, -- the same of its end
  fixes      INTEGER NOT NULL, -- recorded
  bytes      INTEGER NOT NULL, -- packed
  body       TEXT NOT NULL
) STRICT;

CREATE TABLE view_visit (
  -- fold(base, own operations); derived
  id          BLOB PRIMARY KEY NOT NULL,
  rev         INTEGER NOT NULL,
  pending     INTEGER NOT NULL,
  deleted     INTEGER NOT NULL,
  customer    BLOB NOT NULL,
  rep         BLOB NOT NULL,
  day         TEXT NOT NULL, -- local calendar day, YYYY-MM-DD
  state       TEXT NOT NULL, -- its name on the wire
  started_ms  INTEGER,       -- best single moment, milliseconds since 1970 UTC
  finished_ms INTEGER,       -- the same; of a skipped visit when it was given up
  body        TEXT NOT NULL
) STRICT;

CREATE INDEX attention_open ON attention (created_ms) WHERE resolved_by IS NULL;

CREATE INDEX base_scope_record ON base_scope (kind, id);

CREATE INDEX history_effect ON history (effect_seq) WHERE effect_seq IS NOT NULL;

CREATE INDEX history_record ON history (kind, rec, effect_seq);

CREATE INDEX history_settled ON history (settled_ms);

CREATE INDEX outbox_record ON outbox (kind, rec, n);

CREATE INDEX track_kept_day ON track_kept (rep, day, at_ms);

CREATE INDEX track_kept_shift ON track_kept (shift, i);

CREATE INDEX track_point_shift ON track_point (shift, seq);

CREATE INDEX view_check_in_rep ON view_check_in (rep, at_ms);

CREATE INDEX view_check_in_visit ON view_check_in (visit, at_ms);

CREATE INDEX view_customer_external ON view_customer (external) WHERE external IS NOT NULL;

CREATE INDEX view_customer_name ON view_customer (name, id);

CREATE INDEX view_customer_owner ON view_customer (owner, name, id);

CREATE INDEX view_gap_note_shift ON view_gap_note (shift, from_ms);

CREATE INDEX view_location_access_subject ON view_location_access (subject, at_ms);

CREATE INDEX view_member_search ON view_member (search, id);

CREATE INDEX view_note_customer ON view_note (customer, at_ms);

CREATE INDEX view_note_visit ON view_note (visit, at_ms) WHERE visit IS NOT NULL;

CREATE INDEX view_photo_customer ON view_photo (customer, at_ms);

CREATE INDEX view_photo_number ON view_photo (rep, number);

CREATE INDEX view_photo_rep ON view_photo (rep, at_ms);

CREATE INDEX view_photo_sha256 ON view_photo (sha256);

CREATE INDEX view_photo_visit ON view_photo (visit, at_ms) WHERE visit IS NOT NULL;

CREATE INDEX view_policy_topic ON view_policy (topic, version);

CREATE INDEX view_shift_open ON view_shift (rep, device, started_ms) WHERE state = 'open';

CREATE INDEX view_shift_rep ON view_shift (rep, started_ms);

CREATE INDEX view_sos_rep ON view_sos (rep, at_ms);

CREATE INDEX view_track_root_day ON view_track_root (rep, day, at_ms);

CREATE INDEX view_track_root_shift ON view_track_root (shift, i);

CREATE INDEX view_track_segment_day ON view_track_segment (rep, day, at_ms);

CREATE INDEX view_track_segment_shift ON view_track_segment (shift, i);

CREATE INDEX view_visit_customer ON view_visit (customer, day);

CREATE INDEX view_visit_day ON view_visit (day, rep);

CREATE INDEX view_visit_in_progress ON view_visit (rep, started_ms) WHERE state = 'in_progress';

CREATE INDEX view_visit_rep ON view_visit (rep, day);
