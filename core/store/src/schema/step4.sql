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

CREATE TABLE blob (
  -- files of photos on this phone; the operation that declared them has their hashes as well
  sha256 BLOB PRIMARY KEY NOT NULL,
  len    INTEGER NOT NULL,
  mime   TEXT NOT NULL,
  path   TEXT NOT NULL, -- relative to the folder of photos beside this file
  role   TEXT NOT NULL, -- original, preview
  state  TEXT NOT NULL  -- local; missing: the file is not there; altered: its bytes do not give the hash
) STRICT;
