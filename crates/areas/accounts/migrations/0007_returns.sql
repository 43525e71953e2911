-- People who say that they were members before. Under which number is sealed in the vault, and gone once it is decided.

CREATE TABLE returns (
  subject BLOB   NOT NULL PRIMARY KEY,
  asked   BIGINT NOT NULL,
  state   TEXT   NOT NULL,
  decided BIGINT
);
CREATE INDEX returns_state ON returns (state, asked);
