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

CREATE INDEX view_member_search ON view_member (search, id);
