-- Links of letters. Each works once and until a moment; the token itself is in the letter only.

CREATE TABLE links (
  digest  BLOB   NOT NULL PRIMARY KEY,
  subject BLOB   NOT NULL,
  leads   TEXT   NOT NULL,
  ends    BIGINT NOT NULL
);
CREATE INDEX links_subject ON links (subject);
