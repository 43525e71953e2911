-- Roles may end on a day, and what weighs waits for a second owner.

ALTER TABLE roles ADD COLUMN until BIGINT;

-- Who proposed it, what, and for whom (nobody: empty). At its due moment it lapses, or, of an owner alone, takes effect.
CREATE TABLE proposals (
  act      TEXT   NOT NULL,
  target   BLOB   NOT NULL,
  subject  BLOB   NOT NULL,
  proposed BIGINT NOT NULL,
  due      BIGINT NOT NULL,
  alone    BIGINT NOT NULL,
  PRIMARY KEY (act, target)
);
CREATE INDEX proposals_subject ON proposals (subject);
