-- The kernel's tables. Whatever identifies, describes or was written by a person is in `vault` and `trail`, sealed;
-- everything else here is counts, dates and random ids. Times are milliseconds since 1970 UTC.

CREATE TABLE facts (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- Every notice that was in force here, and the one that is proposed, if any. A moment is empty until it has come.
-- `activates` is when it binds, known once everyone has been told; `reached` is the last subject to whom telling people
-- of it, or carrying their clocks over, has come.
CREATE TABLE policies (
  version   TEXT   NOT NULL PRIMARY KEY,
  source    TEXT   NOT NULL,
  effective TEXT   NOT NULL,
  material  BIGINT NOT NULL,
  proposed  BIGINT NOT NULL,
  listed    BIGINT,
  told      BIGINT,
  activates BIGINT,
  activated BIGINT,
  carried   BIGINT,
  reached   BLOB
);

-- One key per subject per kind (record = ''), or one for a record with a life of its own.
CREATE TABLE keys (
  subject BLOB   NOT NULL,
  key     BLOB   NOT NULL,
  kind    TEXT   NOT NULL,
  record  TEXT   NOT NULL,
  epoch   BIGINT NOT NULL,
  wrapped BLOB   NOT NULL,
  PRIMARY KEY (subject, kind, record)
) /* clustered */;

-- `notice` is the first eight bytes of a version in `policies`.
CREATE TABLE vault (
  subject  BLOB   NOT NULL,
  record   TEXT   NOT NULL,
  kind     TEXT   NOT NULL,
  key      BLOB   NOT NULL,
  sealed   BLOB   NOT NULL,
  notice   BLOB   NOT NULL,
  source   TEXT   NOT NULL,
  revision BIGINT NOT NULL,
  PRIMARY KEY (subject, record, kind)
) /* clustered */;

-- Keys that went with what a person took back, by their random ids, until the next sweep has written their tombstones.
CREATE TABLE taken_back (
  subject BLOB NOT NULL,
  key     BLOB NOT NULL,
  PRIMARY KEY (subject, key)
) /* clustered */;

-- The blind index. `slot` is empty where a value may belong to one subject only, else the subject.
CREATE TABLE lookups (
  name    TEXT NOT NULL,
  digest  BLOB NOT NULL,
  slot    BLOB NOT NULL,
  subject BLOB NOT NULL,
  kind    TEXT NOT NULL,
  PRIMARY KEY (name, digest, slot)
) /* clustered */;
CREATE INDEX lookups_subject ON lookups (subject, kind);

-- The public side of the log: leaves only. The edge is what the next leaf and the root are computed from. Beside it is
-- the notice in force, so that every act, which takes this row first, knows it without asking for more.
CREATE TABLE ledger (
  position BIGINT NOT NULL PRIMARY KEY,
  leaf     BLOB   NOT NULL
) /* clustered */;
CREATE TABLE ledger_edge (
  id        BIGINT NOT NULL PRIMARY KEY,
  edge      BLOB   NOT NULL,
  policy    TEXT   NOT NULL,
  proposed  TEXT,
  activates BIGINT
);
CREATE TABLE checkpoints (
  size BIGINT NOT NULL PRIMARY KEY,
  at   BIGINT NOT NULL,
  note TEXT   NOT NULL
);

-- The private side: each event and its nonce, sealed under the subject's trail key.
CREATE TABLE trail (
  subject  BLOB   NOT NULL,
  position BIGINT NOT NULL,
  sealed   BLOB   NOT NULL,
  PRIMARY KEY (subject, position)
) /* clustered */;

-- What happened last to a subject: where clocks and holds count from.
CREATE TABLE happenings (
  subject BLOB   NOT NULL,
  event   TEXT   NOT NULL,
  record  TEXT   NOT NULL,
  at      BIGINT NOT NULL,
  PRIMARY KEY (subject, event, record)
) /* clustered */;
CREATE INDEX happenings_at ON happenings (event, at);

CREATE TABLE duties (
  subject BLOB   NOT NULL,
  rule    TEXT   NOT NULL,
  action  TEXT   NOT NULL,
  record  TEXT   NOT NULL,
  event   TEXT   NOT NULL,
  started BIGINT NOT NULL,
  due     BIGINT NOT NULL,
  state   TEXT   NOT NULL,
  PRIMARY KEY (subject, rule, action, record)
) /* clustered */;
CREATE INDEX duties_due ON duties (state, due);

CREATE TABLE holds (
  subject BLOB   NOT NULL,
  hold    TEXT   NOT NULL,
  since   BIGINT NOT NULL,
  until   BIGINT,
  PRIMARY KEY (subject, hold)
) /* clustered */;

-- What duties did, cut loose from the subject: evidence that outlives the person's trail.
CREATE TABLE deeds (
  position BIGINT NOT NULL,
  rule     TEXT   NOT NULL,
  action   TEXT   NOT NULL,
  started  BIGINT NOT NULL,
  due      BIGINT NOT NULL,
  done     BIGINT NOT NULL,
  PRIMARY KEY (position, rule)
);
CREATE INDEX deeds_rule ON deeds (rule, action, done);

CREATE TABLE evidence (
  promise  TEXT   NOT NULL PRIMARY KEY,
  at       BIGINT NOT NULL,
  status   TEXT   NOT NULL,
  count    BIGINT NOT NULL,
  oldest   BIGINT,
  position BIGINT NOT NULL,
  detail   TEXT   NOT NULL
);

CREATE TABLE brakes (
  id        BIGINT NOT NULL PRIMARY KEY,
  latest    BIGINT NOT NULL,
  paused    BIGINT,
  reason    TEXT,
  confirmed BIGINT
);

CREATE TABLE outbox (
  subject BLOB   NOT NULL,
  record  TEXT   NOT NULL,
  queued  BIGINT NOT NULL,
  PRIMARY KEY (subject, record)
) /* clustered */;
CREATE INDEX outbox_queued ON outbox (queued);
