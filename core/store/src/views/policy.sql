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

CREATE INDEX view_policy_topic ON view_policy (topic, version);
