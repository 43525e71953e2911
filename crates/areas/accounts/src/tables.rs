//! What each column of this area holds, and the statement that takes it away. What stands for a password goes with it, too: a
//! session, a remembered device and a link open nothing of what a dispute alone keeps.

use kept_keeper::{Holds, Table};
use kept_vault::Kind;

const END_SESSIONS: &str = "DELETE FROM sessions WHERE subject = $1";
const FORGET_DEVICES: &str = "DELETE FROM devices WHERE subject = $1";
const REVOKE_LINKS: &str = "DELETE FROM links WHERE subject = $1";

pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "accounts",
        columns: &[
            ("standing", Holds::Kind(Kind::ACCOUNT)),
            ("since", Holds::Kind(Kind::ACCOUNT)),
            ("expires", Holds::Kind(Kind::MEMBERSHIP)),
        ],
        erase: &[
            (Kind::ACCOUNT, "DELETE FROM accounts WHERE subject = $1"),
            (Kind::MEMBERSHIP, "UPDATE accounts SET expires = NULL WHERE subject = $1"),
        ],
    },
    Table {
        name: "credits",
        columns: &[
            ("number", Holds::Kind(Kind::PROFESSIONAL_TRAINING)),
            ("earned", Holds::Kind(Kind::PROFESSIONAL_TRAINING)),
            ("tenths", Holds::Kind(Kind::PROFESSIONAL_TRAINING)),
            ("course", Holds::Kind(Kind::PROFESSIONAL_TRAINING)),
        ],
        erase: &[(Kind::PROFESSIONAL_TRAINING, "DELETE FROM credits WHERE subject = $1")],
    },
    Table {
        name: "sessions",
        columns: &[
            ("digest", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
            ("began", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
            ("seen", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
            ("ends", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
            ("factor", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
        ],
        erase: &[(Kind::AUTHENTICATION_HISTORY, END_SESSIONS), (Kind::PASSWORD, END_SESSIONS)],
    },
    Table {
        name: "devices",
        columns: &[
            ("digest", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
            ("began", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
            ("seen", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
            ("ends", Holds::Kind(Kind::AUTHENTICATION_HISTORY)),
        ],
        erase: &[(Kind::AUTHENTICATION_HISTORY, FORGET_DEVICES), (Kind::PASSWORD, FORGET_DEVICES)],
    },
    Table {
        name: "confirmations",
        columns: &[
            ("digest", Holds::Kind(Kind::AUTHENTICATING)),
            ("browser", Holds::Kind(Kind::AUTHENTICATING)),
            ("ends", Holds::Kind(Kind::AUTHENTICATING)),
        ],
        erase: &[(Kind::AUTHENTICATING, "DELETE FROM confirmations WHERE subject = $1")],
    },
    Table {
        name: "links",
        columns: &[
            ("digest", Holds::Kind(Kind::AUTHENTICATING)),
            ("leads", Holds::Kind(Kind::AUTHENTICATING)),
            ("ends", Holds::Kind(Kind::AUTHENTICATING)),
        ],
        erase: &[(Kind::AUTHENTICATING, REVOKE_LINKS), (Kind::PASSWORD, REVOKE_LINKS)],
    },
    Table {
        name: "roles",
        columns: &[
            ("role", Holds::Kind(Kind::ACCOUNT)),
            ("since", Holds::Kind(Kind::ACCOUNT)),
            ("until", Holds::Kind(Kind::ACCOUNT)),
        ],
        erase: &[(Kind::ACCOUNT, "DELETE FROM roles WHERE subject = $1")],
    },
    Table {
        name: "proposals",
        columns: &[
            ("act", Holds::Kind(Kind::ACCOUNT)),
            ("target", Holds::Kind(Kind::ACCOUNT)),
            ("proposed", Holds::Kind(Kind::ACCOUNT)),
            ("due", Holds::Kind(Kind::ACCOUNT)),
            ("alone", Holds::Kind(Kind::ACCOUNT)),
        ],
        erase: &[(Kind::ACCOUNT, "DELETE FROM proposals WHERE subject = $1 OR target = $1")],
    },
];
