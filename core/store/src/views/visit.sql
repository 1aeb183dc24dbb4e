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

CREATE INDEX view_visit_day ON view_visit (day, rep);
CREATE INDEX view_visit_customer ON view_visit (customer, day);
CREATE INDEX view_visit_in_progress ON view_visit (rep, started_ms) WHERE state = 'in_progress';
CREATE INDEX view_visit_rep ON view_visit (rep, day);
