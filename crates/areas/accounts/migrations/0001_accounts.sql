-- What a membership business must count and join. Names, addresses and secrets are sealed in the vault.

CREATE TABLE accounts (
  subject  BLOB   NOT NULL PRIMARY KEY,
  standing TEXT   NOT NULL,
  since    BIGINT NOT NULL,
  expires  BIGINT
);

CREATE TABLE credits (
  subject BLOB   NOT NULL,
  number  BIGINT NOT NULL,
  earned  BIGINT NOT NULL,
  tenths  BIGINT NOT NULL,
  course  TEXT   NOT NULL,
  PRIMARY KEY (subject, number)
) /* clustered */;

CREATE TABLE sessions (
  digest  BLOB   NOT NULL PRIMARY KEY,
  subject BLOB   NOT NULL,
  began   BIGINT NOT NULL,
  seen    BIGINT NOT NULL,
  ends    BIGINT NOT NULL,
  factor  TEXT   NOT NULL
);
CREATE INDEX sessions_subject ON sessions (subject);

CREATE TABLE confirmations (
  digest  BLOB   NOT NULL PRIMARY KEY,
  subject BLOB   NOT NULL,
  browser BLOB   NOT NULL,
  ends    BIGINT NOT NULL
);
CREATE INDEX confirmations_subject ON confirmations (subject);

CREATE TABLE roles (
  subject BLOB   NOT NULL,
  role    TEXT   NOT NULL,
  since   BIGINT NOT NULL,
  PRIMARY KEY (subject, role)
) /* clustered */;
