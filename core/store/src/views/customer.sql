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

CREATE INDEX view_customer_name ON view_customer (name, id);
CREATE INDEX view_customer_owner ON view_customer (owner, name, id);
CREATE INDEX view_customer_external ON view_customer (external) WHERE external IS NOT NULL;
