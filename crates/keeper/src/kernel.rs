//! The kernel's own area: its tables, its one form of mail, and the checks of every rule that it runs itself.

use kept_store::Migration;
use kept_vault::Kind;

use crate::{
    area::{Area, EventSpec, Holds, Table},
    outbox::Letter,
    prove,
    record::RecordSpec,
};

/// The kernel as an area.
pub(crate) const AREA: Area = Area {
    migrations: &[Migration {
        name: "keeper/0001_kernel",
        sql: include_str!("../migrations/0001_kernel.sql"),
    }],
    tables: TABLES,
    records: &[RecordSpec::of::<Letter>()],
    events: &[EventSpec { name: "mail.queued", when: "we write you a message" }],
    record_events: &[("mail.queued", RecordSpec::of::<Letter>())],
    checks: prove::CHECKS,
    ..Area::named("kernel")
};

const TABLES: &[Table] = &[
    Table {
        name: "keys",
        columns: &[
            ("key", Holds::Sealed),
            ("kind", Holds::Sealed),
            ("record", Holds::Sealed),
            ("epoch", Holds::Sealed),
            ("wrapped", Holds::Sealed),
        ],
        erase: &[],
    },
    Table {
        name: "vault",
        columns: &[
            ("record", Holds::Sealed),
            ("kind", Holds::Sealed),
            ("key", Holds::Sealed),
            ("sealed", Holds::Sealed),
            ("notice", Holds::Sealed),
            ("source", Holds::Sealed),
            ("revision", Holds::Sealed),
        ],
        erase: &[],
    },
    Table { name: "taken_back", columns: &[("key", Holds::Sealed)], erase: &[] },
    Table {
        name: "lookups",
        columns: &[
            ("name", Holds::Sealed),
            ("digest", Holds::Sealed),
            ("slot", Holds::Sealed),
            ("kind", Holds::Sealed),
        ],
        erase: &[],
    },
    Table {
        name: "trail",
        columns: &[("position", Holds::Kind(Kind::TRAIL)), ("sealed", Holds::Kind(Kind::TRAIL))],
        erase: &[(Kind::TRAIL, "DELETE FROM trail WHERE subject = $1")],
    },
    Table {
        name: "happenings",
        columns: &[("event", Holds::Bookkeeping), ("record", Holds::Bookkeeping), ("at", Holds::Bookkeeping)],
        erase: &[],
    },
    Table {
        name: "duties",
        columns: &[
            ("rule", Holds::Bookkeeping),
            ("action", Holds::Bookkeeping),
            ("record", Holds::Bookkeeping),
            ("event", Holds::Bookkeeping),
            ("started", Holds::Bookkeeping),
            ("due", Holds::Bookkeeping),
            ("state", Holds::Bookkeeping),
        ],
        erase: &[],
    },
    Table {
        name: "holds",
        columns: &[
            ("hold", Holds::Bookkeeping),
            ("since", Holds::Bookkeeping),
            ("until", Holds::Bookkeeping),
        ],
        erase: &[],
    },
    Table {
        name: "outbox",
        columns: &[
            ("record", Holds::Kind(Kind::EMAIL_CONTENT)),
            ("queued", Holds::Kind(Kind::EMAIL_CONTENT)),
        ],
        // Letters die one by one: only the rows whose letter is gone from the vault go with it.
        erase: &[(
            Kind::EMAIL_CONTENT,
            "DELETE FROM outbox WHERE subject = $1 AND NOT EXISTS \
             (SELECT 1 FROM vault WHERE vault.subject = outbox.subject AND vault.record = outbox.record)",
        )],
    },
];
