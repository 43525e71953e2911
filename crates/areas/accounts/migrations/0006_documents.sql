-- Documents that people hand in to show their professional standing. What they say is sealed in the vault.

CREATE TABLE documents (
  subject BLOB   NOT NULL,
  record  TEXT   NOT NULL,
  sent    BIGINT NOT NULL,
  state   TEXT   NOT NULL,
  decided BIGINT,
  PRIMARY KEY (subject, record)
);
CREATE INDEX documents_record ON documents (record);
CREATE INDEX documents_state ON documents (state, sent);

CREATE TABLE standings (
  subject  BLOB   NOT NULL PRIMARY KEY,
  accepted BIGINT NOT NULL,
  until    BIGINT NOT NULL
);
