-- Keys that went with what a person took back, by their random ids, until the next sweep has written their tombstones.
CREATE TABLE taken_back (
  subject BLOB NOT NULL,
  key     BLOB NOT NULL,
  PRIMARY KEY (subject, key)
) /* clustered */;
