//! The same migrations make the same schema on both databases.

use kept_store::{Migration, Store, StoreError};
use tempfile::tempdir;

use crate::SCHEMA;

/// What the server runs, beside this crate's own test schema.
const SERVER: &[Migration] = &[
    SCHEMA[0],
    Migration { name: "keeper", sql: include_str!("../../../keeper/migrations/0001_kernel.sql") },
    Migration { name: "blobs", sql: include_str!("../../../keeper/migrations/0002_blobs.sql") },
    Migration { name: "accounts", sql: include_str!("../../../areas/accounts/migrations/0001_accounts.sql") },
    Migration {
        name: "throttles",
        sql: include_str!("../../../areas/accounts/migrations/0002_throttles.sql"),
    },
    Migration { name: "devices", sql: include_str!("../../../areas/accounts/migrations/0003_devices.sql") },
    Migration { name: "links", sql: include_str!("../../../areas/accounts/migrations/0004_links.sql") },
    Migration { name: "staff", sql: include_str!("../../../areas/accounts/migrations/0005_staff.sql") },
    Migration {
        name: "documents",
        sql: include_str!("../../../areas/accounts/migrations/0006_documents.sql"),
    },
    Migration { name: "returns", sql: include_str!("../../../areas/accounts/migrations/0007_returns.sql") },
    Migration { name: "passkeys", sql: include_str!("../../../areas/accounts/migrations/0008_passkeys.sql") },
];

const SQLITE_COLUMNS: &str = "
    SELECT t.name || '.' || c.name || ' ' || lower(c.type) || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END
    FROM sqlite_schema t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'kept%' ORDER BY t.name, c.cid";

const POSTGRES_COLUMNS: &str = "
    SELECT table_name || '.' || column_name || ' ' || replace(data_type, 'bytea', 'blob')
        || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'kept%'
    ORDER BY table_name COLLATE \"C\", ordinal_position";

/// The indexes of the keys have names of their own on each database, so only their columns are compared.
const SQLITE_INDEXES: &str = "
    SELECT t.name || ' ' || CASE i.\"unique\" WHEN 1 THEN 'unique ' ELSE '' END
        || (SELECT group_concat(name, ' ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno))
        || CASE i.origin WHEN 'c' THEN ' ' || i.name ELSE '' END
    FROM sqlite_schema t, pragma_index_list(t.name) i
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'kept%' ORDER BY 1";

const POSTGRES_INDEXES: &str = "
    SELECT line FROM (SELECT t.relname || ' ' || CASE WHEN x.indisunique THEN 'unique ' ELSE '' END
        || string_agg(a.attname, ' ' ORDER BY k.place)
        || CASE WHEN c.oid IS NULL THEN ' ' || i.relname ELSE '' END AS line
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    CROSS JOIN unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
    LEFT JOIN pg_constraint c ON c.conindid = i.oid AND c.contype IN ('p', 'u')
    WHERE t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE 'kept%'
    GROUP BY t.relname, x.indisunique, c.oid, i.relname) found ORDER BY line COLLATE \"C\"";

async fn lines(store: &Store, sql: &'static str) -> Vec<String> {
    let lines = store.scan(move |read| {
        let rows = read.query(sql, &[])?;
        rows.iter().map(|row| row.get(0)).collect::<Result<Vec<String>, StoreError>>()
    });
    lines.await.unwrap()
}

#[tokio::test]
async fn both_databases_have_the_same_schema() {
    let folder = tempdir().unwrap();
    let sqlite = Store::open(folder.path(), SERVER).unwrap();
    let postgres = Store::connect(&kept_pgtest::empty_database(), SERVER).unwrap();
    assert_eq!(lines(&sqlite, SQLITE_COLUMNS).await, lines(&postgres, POSTGRES_COLUMNS).await);
    assert_eq!(lines(&sqlite, SQLITE_INDEXES).await, lines(&postgres, POSTGRES_INDEXES).await);
    assert_eq!(sqlite.columns().await, postgres.columns().await);
    assert!(sqlite.columns().await.unwrap().len() > 50);
}
