-- How often somebody has tried, under a keyed hash of who: an address that was typed in is stored nowhere.
-- A row is gone when its time is over.

CREATE TABLE throttles (
  digest BLOB   NOT NULL PRIMARY KEY,
  count  BIGINT NOT NULL,
  ends   BIGINT NOT NULL
);
CREATE INDEX throttles_ends ON throttles (ends);
