-- Devices that people asked to be remembered. A row knows the digest of a random id, and dates; not what device it is.

CREATE TABLE devices (
  digest  BLOB   NOT NULL PRIMARY KEY,
  subject BLOB   NOT NULL,
  began   BIGINT NOT NULL,
  seen    BIGINT NOT NULL,
  ends    BIGINT NOT NULL
);
CREATE INDEX devices_subject ON devices (subject);
