-- Questions to passkeys that wait for their answer: each once, and for five minutes. They are nobody's; the browser is known
-- by the digest of its session.

CREATE TABLE passkey_questions (
  digest  BLOB   NOT NULL PRIMARY KEY,
  browser BLOB   NOT NULL,
  state   BLOB   NOT NULL,
  ends    BIGINT NOT NULL
);
CREATE INDEX passkey_questions_ends ON passkey_questions (ends);
