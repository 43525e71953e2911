-- Roles may end on a day, and what weighs waits for a second owner.

ALTER TABLE roles ADD COLUMN until BIGINT;

-- Who proposed it, what, and for whom (nobody: empty). At its due moment it lapses, or, of an owner alone, takes effect.
CREATE TABLE proposals (
  subject  BLOB   NOT NULL,
  act      TEXT   NOT NULL,
  target   BLOB   NOT NULL,
  proposed BIGINT NOT NULL,
  due      BIGINT NOT NULL,
  alone    BIGINT NOT NULL,
  PRIMARY KEY (subject, act, target)
);
