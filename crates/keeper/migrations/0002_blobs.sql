-- What is no text: a document that somebody sent. The bytes of a record, sealed under the record's own key, and away from
-- `vault`, which is read whole.

CREATE TABLE blobs (
  subject BLOB NOT NULL,
  record  TEXT NOT NULL,
  kind    TEXT NOT NULL,
  key     BLOB NOT NULL,
  sealed  BLOB NOT NULL,
  notice  TEXT NOT NULL,
  source  TEXT NOT NULL,
  PRIMARY KEY (subject, record, kind)
);
