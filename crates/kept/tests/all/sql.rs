//! Every statement could run on a database that is spread over many servers.
//!
//! Tables about people are spread by a column: by `digest` where that is how a row is found, else by `subject`. A
//! statement says by equality whose rows it wants, so that one server answers it. What looks at everybody does so on
//! purpose and is listed here with its reason. Each primary key and unique index has the column too, because no server
//! can know what is unique on another.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use sqlparser::{
    ast::{
        BinaryOperator, ColumnOption, Expr, FromTable, JoinConstraint, JoinOperator, ObjectName, Query,
        SetExpr, Statement, TableConstraint, TableFactor, TableObject, TableWithJoins, Visit, Visitor,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

/// What looks at everybody on purpose: where, how it begins, and why. All of a file when it begins anyhow.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("keeper/src/prove/", "", "a proof is about everybody"),
    (
        "keeper/src/sealed/ahead.rs",
        "SELECT keys.key, keys.epoch, keys.wrapped, keys.kind, keys.subject",
        "a group of acts is about several people, and names each of them",
    ),
    ("keeper/src/sweep.rs", "SELECT {COLUMNS} FROM duties", "a sweep finds what is due, whoever it is"),
    ("keeper/src/sweep.rs", "SELECT subject, key FROM taken_back", "a sweep writes the tombstones that wait"),
    ("keeper/src/duty.rs", "UPDATE duties SET state", "a piece: `advance` adds whose duty it is"),
    ("keeper/src/duty.rs", "DELETE FROM duties", "a piece: `advance` adds whose duty it is"),
    (
        "kept/src/simulate/world.rs",
        "SELECT key FROM keys",
        "a simulation looks for keys gone without a tombstone",
    ),
    (
        "kept/src/simulate/world.rs",
        "SELECT COUNT(*) FROM duties",
        "a simulation counts the erasures that a crash interrupted",
    ),
    ("areas/accounts/src/new_password.rs", "SELECT COUNT(*) FROM happenings", "a proof is about everybody"),
    ("keeper/src/sweep.rs", "SELECT 1 FROM holds", "a sweep finds holds whose time is over"),
    ("keeper/src/sweep.rs", "UPDATE duties SET state = 'waiting'", "what ended holds kept back is due again"),
    ("keeper/src/sweep.rs", "DELETE FROM holds WHERE until", "holds whose time is over go"),
    (
        "keeper/src/brakes.rs",
        "SELECT COUNT(DISTINCT subject)",
        "a brake counts everybody before anything goes",
    ),
    ("keeper/src/carry.rs", "SELECT DISTINCT subject", "a change of notice reaches everybody, page by page"),
    (
        "keeper/src/tell.rs",
        "SELECT DISTINCT subject",
        "a change of notice is told to everybody, page by page",
    ),
    ("keeper/src/tell.rs", "SELECT 1 FROM duties", "whether everybody has been told"),
    ("keeper/src/propose.rs", "SELECT 1 FROM {place}", "whether anybody has what a notice no longer names"),
    (
        "keeper/src/act/write.rs",
        "DELETE FROM lookups WHERE subject",
        "a person's values are wherever their digests are",
    ),
    (
        "keeper/src/erase.rs",
        "DELETE FROM lookups WHERE subject",
        "a person's values are wherever their digests are",
    ),
    (
        "areas/accounts/src/tables.rs",
        "DELETE FROM ",
        "erasing takes a person's sessions wherever their digests are",
    ),
    (
        "areas/accounts/src/sessions.rs",
        "DELETE FROM sessions WHERE subject",
        "all sessions of one person end at once",
    ),
    ("areas/accounts/src/sessions.rs", "SELECT seen, began, MAX(ends)", "a proof is about everybody"),
    ("areas/accounts/src/sessions.rs", "SELECT COUNT(*) FROM sessions", "a proof is about everybody"),
    ("areas/accounts/src/sessions.rs", "DELETE FROM sessions WHERE ends", "tidying takes what is over"),
    ("areas/accounts/src/sessions.rs", "DELETE FROM confirmations WHERE ends", "tidying takes what is over"),
    ("areas/accounts/src/sessions.rs", "DELETE FROM links WHERE ends", "tidying takes what is over"),
    ("areas/accounts/src/sessions.rs", "DELETE FROM devices WHERE ends", "tidying takes what is over"),
    (
        "areas/accounts/src/signed_in.rs",
        "SELECT digest, began, seen, ends, factor FROM sessions",
        "a person's sessions are wherever their digests are",
    ),
    (
        "areas/accounts/src/signed_in.rs",
        "DELETE FROM sessions WHERE subject",
        "all other sessions of one person end at once",
    ),
    (
        "areas/accounts/src/links.rs",
        "DELETE FROM links WHERE subject",
        "a newer link of one person replaces the older, wherever its digest is",
    ),
    ("areas/accounts/src/rights.rs", "SELECT COUNT(*) FROM happenings", "a proof is about everybody"),
    ("areas/accounts/src/own_pages.rs", "SELECT COUNT(*) FROM sessions", "a proof is about everybody"),
    ("areas/accounts/src/recovery.rs", "SELECT COUNT(*) FROM", "a proof is about everybody"),
    ("areas/accounts/src/returning/mod.rs", "SELECT COUNT(*)", "a proof is about everybody"),
    (
        "areas/accounts/src/returning/mod.rs",
        "SELECT subject, asked FROM returns WHERE state",
        "the desk's queue is of everybody",
    ),
    (
        "areas/accounts/src/devices.rs",
        "SELECT digest, began, seen, ends FROM devices",
        "a person's devices are wherever their digests are",
    ),
    (
        "areas/accounts/src/devices.rs",
        "DELETE FROM devices WHERE subject",
        "all devices of one person at once",
    ),
    ("areas/accounts/src/devices.rs", "SELECT began, MAX(ends), COUNT(*)", "a proof is about everybody"),
    ("areas/accounts/src/throttle.rs", "DELETE FROM throttles WHERE ends", "tidying takes what is over"),
    (
        "areas/accounts/src/passkeys/questions.rs",
        "DELETE FROM passkey_questions WHERE ends",
        "tidying takes what is over",
    ),
    ("areas/accounts/src/owner.rs", "SELECT 1 FROM roles", "whether there is an owner, asked at the start"),
    ("areas/accounts/src/staff.rs", "SELECT DISTINCT subject FROM roles", "the page that lists the staff"),
    ("areas/accounts/src/staff.rs", "SELECT COUNT(*)", "a proof is about everybody"),
    (
        "areas/accounts/src/proposals.rs",
        "SELECT {COLUMNS} FROM proposals ORDER",
        "what waits is the few owners' together",
    ),
    ("areas/accounts/src/documents/mod.rs", "SELECT COUNT(*) FROM standings", "a proof is about everybody"),
    ("areas/accounts/src/documents/mod.rs", "SELECT (SELECT COUNT(*)", "a proof is about everybody"),
    (
        "areas/accounts/src/documents/mod.rs",
        "SELECT {COLUMNS} FROM documents WHERE state",
        "the desk's queue is of everybody",
    ),
    (
        "areas/accounts/src/documents/mod.rs",
        "SELECT {COLUMNS} FROM documents WHERE record",
        "the desk's address names a document and nobody",
    ),
];

/// Where the product's statements are. The store's own are about its own tables.
const SOURCES: &[&str] = &["keeper/src", "kept/src", "web/src", "areas"];

/// A table that a piece of code names at run time: one about people, as far as anybody can tell.
const ANY: &str = "any_table";

#[test]
fn every_statement_says_whose_rows_it_wants() {
    let schema = Schema::read();
    let mut used = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut judged = 0;
    for source in sources() {
        for text in literals(&source.text) {
            let finding = match is_statement(&text) {
                true => {
                    judged += 1;
                    judge(&text, &schema)
                }
                false if schema.is_named_in(&text) => {
                    Err("is only a piece of one, so it cannot be judged".into())
                }
                false => continue,
            };
            let Err(why) = finding else { continue };
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let exception = EXCEPTIONS
                .iter()
                .find(|(place, begins, _)| source.name.starts_with(place) && text.starts_with(begins));
            match exception {
                Some((place, begins, _)) => drop(used.insert((place, begins))),
                None => wrong.push(format!("{}: {text}\n    {why}", source.name)),
            }
        }
    }
    assert!(judged > 100, "only {judged} statements were found");
    assert!(
        wrong.is_empty(),
        "{} statements would ask every server of a distributed database:\n\n{}\n\nCompare the column that the table is \
         spread by with a bound value, or with that column of a table that is bound, all of it in one literal. If the \
         statement has to look at everybody, add it to EXCEPTIONS in {} with the reason.",
        wrong.len(),
        wrong.join("\n"),
        "crates/kept/tests/all/sql.rs"
    );
    for (place, begins, reason) in EXCEPTIONS {
        assert!(
            used.contains(&(place, begins)),
            "no longer an exception, take it out: {place}: {begins} ({reason})"
        );
    }
}

#[test]
fn what_is_unique_is_unique_on_one_server() {
    let schema = Schema::read();
    let wrong: Vec<String> = schema
        .unique
        .iter()
        .filter_map(|(table, columns)| {
            let by = schema.spread_by(table)?;
            let lacks = !columns.contains(by);
            lacks.then(|| {
                format!("{table} is spread by {by}, so it belongs among what is unique: {columns:?}")
            })
        })
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// The judgement itself finds what it is for.
#[test]
fn a_statement_that_asks_every_server_is_found() {
    let schema = Schema::read();
    for good in [
        "SELECT kind FROM keys WHERE subject = $1 AND kind = $2",
        "SELECT 1 FROM keys k WHERE $1 = k.subject",
        "SELECT v.key FROM vault v JOIN keys k ON k.subject = v.subject WHERE v.subject = $1",
        "DELETE FROM outbox WHERE subject = $1 AND NOT EXISTS (SELECT 1 FROM vault WHERE vault.subject = outbox.subject)",
        "INSERT INTO holds (subject, hold, since) VALUES ($1, $2, $3)",
        "SELECT subject FROM lookups WHERE name = $1 AND digest = $2",
        "SELECT at FROM evidence",
        "SELECT 1 FROM {} WHERE subject = $1 AND {held} LIMIT 1",
    ] {
        assert_eq!(judge(good, &schema), Ok(()), "{good}");
    }
    for bad in [
        "SELECT kind FROM keys",
        "SELECT kind FROM keys WHERE subject > $1",
        "SELECT kind FROM keys WHERE subject = $1 OR kind = $2",
        "SELECT kind FROM keys WHERE subject <> $1 AND kind = $2",
        "SELECT v.key FROM vault v JOIN keys k ON k.key = v.key WHERE v.subject = $1",
        "SELECT a.standing FROM sessions s JOIN accounts a ON a.subject = s.subject WHERE s.digest = $1",
        "UPDATE duties SET state = $1 WHERE subject IN (SELECT subject FROM holds WHERE until <= $1)",
        "DELETE FROM outbox WHERE subject = $1 AND NOT EXISTS (SELECT 1 FROM vault WHERE vault.record = outbox.record)",
        "INSERT INTO holds (hold, since) VALUES ($1, $2)",
        "DELETE FROM sessions WHERE subject = $1",
        "SELECT 1 FROM {} WHERE {held}",
        "SELECT 1 FROM nothing_of_ours",
        "SELECT FROM WHERE",
    ] {
        assert!(judge(bad, &schema).is_err(), "{bad}");
    }
}

// ── the schema ───────────────────────────────────────────────────────────────────────────────────────────────────────

/// What the migrations make.
#[derive(Default)]
struct Schema {
    columns: BTreeMap<String, BTreeSet<String>>,
    /// The columns of each primary key and each unique index, with their table.
    unique: Vec<(String, BTreeSet<String>)>,
}

impl Schema {
    fn read() -> Schema {
        let mut schema = Schema::default();
        for path in files(&crates(), "sql") {
            let statements = Parser::parse_sql(&PostgreSqlDialect {}, &fs::read_to_string(&path).unwrap());
            for statement in statements.unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
                schema.take(&statement);
            }
        }
        assert!(schema.columns.len() > 20, "only {} tables were found", schema.columns.len());
        schema
    }

    fn take(&mut self, statement: &Statement) {
        match statement {
            Statement::CreateTable(table) => {
                let name = table.name.to_string();
                for column in &table.columns {
                    let is_key = |option: &ColumnOption| {
                        matches!(option, ColumnOption::PrimaryKey(_) | ColumnOption::Unique(_))
                    };
                    if column.options.iter().any(|option| is_key(&option.option)) {
                        self.unique.push((name.clone(), [column.name.value.clone()].into()));
                    }
                }
                for constraint in &table.constraints {
                    let columns = match constraint {
                        TableConstraint::PrimaryKey(key) => &key.columns,
                        TableConstraint::Unique(unique) => &unique.columns,
                        _ => continue,
                    };
                    let columns = columns.iter().map(|column| column.column.expr.to_string()).collect();
                    self.unique.push((name.clone(), columns));
                }
                self.columns
                    .insert(name, table.columns.iter().map(|column| column.name.value.clone()).collect());
            }
            Statement::CreateIndex(index) if index.unique => {
                let columns = index.columns.iter().map(|column| column.column.expr.to_string()).collect();
                self.unique.push((index.table_name.to_string(), columns));
            }
            _ => {}
        }
    }

    fn spread_by(&self, table: &str) -> Option<&'static str> {
        if table == ANY {
            return Some("subject");
        }
        let columns = self.columns.get(table)?;
        ["digest", "subject"].into_iter().find(|column| columns.contains(*column))
    }

    /// Whether a text speaks of one of the tables as SQL does.
    fn is_named_in(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        words.windows(2).any(|pair| ["FROM", "JOIN"].contains(&pair[0]) && self.columns.contains_key(pair[1]))
    }
}

// ── the judgement ────────────────────────────────────────────────────────────────────────────────────────────────────

fn is_statement(text: &str) -> bool {
    ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "WITH "]
        .iter()
        .any(|verb| text.trim_start().starts_with(verb))
}

/// Whether each table of a statement is bound.
fn judge(text: &str, schema: &Schema) -> Result<(), String> {
    let statement = parse(text).ok_or("cannot be read as SQL, whatever stands in its places")?;
    let mut judge = Judge { schema, wrong: None };
    let _ = statement.visit(&mut judge);
    match judge.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(()),
    }
}

/// Reads a statement. What `format!` puts in its places is guessed: nothing, a table, a condition, or a value.
fn parse(text: &str) -> Option<Statement> {
    let mut guesses = vec![String::new()];
    let mut rest = text;
    while let Some((before, place)) = rest.split_once('{') {
        let (_, after) = place.split_once('}')?;
        let guess = |start: &String, filling| format!("{start}{before}{filling}");
        let fillings = ["", ANY, "TRUE", "1"];
        guesses = guesses.iter().flat_map(|start| fillings.map(|filling| guess(start, filling))).collect();
        rest = after;
    }
    guesses.iter().find_map(|start| {
        let mut read = Parser::parse_sql(&PostgreSqlDialect {}, &format!("{start}{rest}")).ok()?;
        if read.len() == 1 { read.pop() } else { None }
    })
}

/// Goes through a statement and everything in it that selects.
struct Judge<'a> {
    schema: &'a Schema,
    wrong: Option<String>,
}

impl Visitor for Judge<'_> {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Insert(insert) => {
                let TableObject::TableName(table) = &insert.table else {
                    return self.fail("inserts into no table");
                };
                let Some(by) = self.known(table)? else { return ControlFlow::Continue(()) };
                let says = insert.columns.iter().any(|column| column.to_string() == by);
                if says {
                    ControlFlow::Continue(())
                } else {
                    self.fail(&format!("{table} is spread by {by}"))
                }
            }
            Statement::Update(update) => {
                self.bound(std::slice::from_ref(&update.table), update.selection.as_ref())
            }
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
                self.bound(from, delete.selection.as_ref())
            }
            Statement::Query(_) => ControlFlow::Continue(()),
            _ => self.fail("is no statement that this test knows"),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.selects(&query.body)
    }
}

impl Judge<'_> {
    fn fail<T>(&mut self, why: &str) -> ControlFlow<(), T> {
        self.wrong = Some(why.to_owned());
        ControlFlow::Break(())
    }

    /// What a table is spread by, if it is.
    fn known(&mut self, table: &ObjectName) -> ControlFlow<(), Option<&'static str>> {
        let name = table.to_string();
        if name != ANY && !self.schema.columns.contains_key(&name) {
            return self.fail(&format!("no migration makes a table {name}"));
        }
        ControlFlow::Continue(self.schema.spread_by(&name))
    }

    fn selects(&mut self, body: &SetExpr) -> ControlFlow<()> {
        match body {
            SetExpr::Select(select) => self.bound(&select.from, select.selection.as_ref()),
            SetExpr::SetOperation { left, right, .. } => {
                self.selects(left)?;
                self.selects(right)
            }
            // What is in parentheses is a query of its own, and visited as one.
            SetExpr::Query(_) | SetExpr::Values(_) => ControlFlow::Continue(()),
            _ => self.fail("selects in a way that this test does not know"),
        }
    }

    /// Whether each table is bound by what is true of all rows that are wanted.
    fn bound(&mut self, from: &[TableWithJoins], selection: Option<&Expr>) -> ControlFlow<()> {
        let mut equal = Vec::new();
        selection.into_iter().for_each(|expr| equalities(expr, &mut equal));
        let mut tables = Vec::new();
        for part in from {
            tables.push(&part.relation);
            for join in &part.joins {
                tables.push(&join.relation);
                match &join.join_operator {
                    JoinOperator::Join(JoinConstraint::On(on))
                    | JoinOperator::Inner(JoinConstraint::On(on))
                    | JoinOperator::Left(JoinConstraint::On(on))
                    | JoinOperator::LeftOuter(JoinConstraint::On(on)) => equalities(on, &mut equal),
                    _ => return self.fail("joins in a way that this test does not know: write JOIN … ON"),
                }
            }
        }
        // Every table's name here, with what it is spread by.
        let mut spread = Vec::new();
        let mut names = Vec::new();
        for table in tables {
            let TableFactor::Table { name, alias, .. } = table else { continue };
            let here = alias.as_ref().map_or_else(|| name.to_string(), |alias| alias.name.value.clone());
            if let Some(by) = self.known(name)? {
                spread.push((here.clone(), by));
            }
            names.push(here);
        }
        let is = |expr: &Expr, (name, by): &(String, &str)| match expr {
            Expr::Identifier(column) => column.value == *by && names.len() == 1,
            Expr::CompoundIdentifier(parts) => {
                matches!(parts.as_slice(), [table, column] if table.value == *name && column.value == *by)
            }
            _ => false,
        };
        let is_given = |expr: &Expr| match expr {
            Expr::Value(_) => true,
            // Of the query around this one, which is judged by itself.
            Expr::CompoundIdentifier(parts) => !names.contains(&parts[0].value),
            _ => false,
        };
        let mut bound: Vec<(String, &str)> = Vec::new();
        loop {
            let next = spread.iter().position(|table| {
                equal.iter().flat_map(|(one, other)| [(one, other), (other, one)]).any(|(one, other)| {
                    let with_bound =
                        || bound.iter().any(|other_table| other_table.1 == table.1 && is(other, other_table));
                    is(one, table) && (is_given(other) || with_bound())
                })
            });
            match next {
                Some(next) => bound.push(spread.remove(next)),
                None => break,
            }
        }
        match spread.first() {
            Some((name, by)) => {
                self.fail(&format!("{name} is spread by {by}, which is compared with nothing that is bound"))
            }
            None => ControlFlow::Continue(()),
        }
    }
}

/// The comparisons by `=` that must all hold.
fn equalities<'e>(expr: &'e Expr, equal: &mut Vec<(&'e Expr, &'e Expr)>) {
    match expr {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            equalities(left, equal);
            equalities(right, equal);
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => equal.push((left, right)),
        Expr::Nested(inner) => equalities(inner, equal),
        _ => {}
    }
}

// ── the sources ──────────────────────────────────────────────────────────────────────────────────────────────────────

struct Source {
    name: String,
    text: String,
}

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn sources() -> Vec<Source> {
    let read = |path: PathBuf| Source {
        name: path.strip_prefix(crates()).unwrap().display().to_string(),
        text: fs::read_to_string(&path).unwrap(),
    };
    let found = SOURCES.iter().flat_map(|folder| files(&crates().join(folder), "rs")).map(read);
    found.filter(|source| !source.name.contains("/tests/")).collect()
}

/// Every file below a folder whose name ends so.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every string of a source text, in macros too.
fn literals(text: &str) -> Vec<String> {
    fn walk(tokens: TokenStream, found: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => walk(group.stream(), found),
                TokenTree::Literal(literal) => {
                    found.extend(
                        syn::parse_str::<syn::LitStr>(&literal.to_string()).ok().map(|text| text.value()),
                    );
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    walk(text.parse().unwrap(), &mut found);
    found
}
