//! The report: what was wanted, what was found, and everything that was measured.

use std::fmt::Write as _;

use crate::{
    load::{Answered, Asks},
    measure::{Database, Found, Site},
};

/// The whole report.
pub(crate) fn markdown(found: &Found) -> String {
    let mut out = String::from(
        "# Benchmarks\n\nWritten by `cargo xtask bench`; do not edit.\n\nThe floor is a bare axum server that does the same \
         SQL look-up and the same JSON of ten fields, without vault, views and ledger, on the same database, measured right \
         before Kept in the same run. The load generator shares the machine with both, keeps its connections open, and looks \
         at every answer. Every write and every event waits for the disk (`fsync`), on PostgreSQL too.\n\n",
    );
    for line in &found.described {
        out.push_str(line);
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "Each measurement of requests lasts {} s. CPU is what the server's own process used, without the database server's \
         and the load generator's.\n",
        found.plan.seconds
    );
    targets(&mut out, found);
    for site in &found.sites {
        requests(&mut out, site);
    }
    rest(&mut out, found);
    out.push_str(
        "\nHow: `cargo xtask bench` (all of it), `cargo xtask bench --quick` (a first look), `cargo xtask bench --people 1000000 \
         --databases sqlite` (one of them).\n",
    );
    out
}

/// A row of the table of numbers to reach.
struct Row<'a> {
    what: &'a str,
    target: &'a str,
    measured: String,
    reached: bool,
}

fn targets(out: &mut String, found: &Found) {
    out.push_str("## Numbers to reach\n\n| what | where | target | measured | |\n|---|---|---|---|---|\n");
    for site in &found.sites {
        let place = format!("{}, {} people", site.database, thousands(site.people));
        for row in rows(site) {
            line(out, &place, &row);
        }
    }
    for database in [Database::Sqlite, Database::Postgres] {
        let of: Vec<&Site> = found.sites.iter().filter(|site| site.database == database).collect();
        if let [small, .., large] = of.as_slice() {
            for asks in [Asks::Own, Asks::Card, Asks::Write] {
                let grown = growth(small, large, asks);
                let place = format!("{database}, {} to {}", thousands(small.people), thousands(large.people));
                let what = format!("cost per operation: {}", word(asks));
                let measured = format!("{grown:.2} times");
                line(
                    out,
                    &place,
                    &Row { what: &what, target: "<= 1.5 times", measured, reached: grown <= 1.5 },
                );
            }
        }
    }
    let what = format!("an inclusion proof in a tree of {} leaves", found.plan.leaves);
    let measured = format!("{:.2} ms", found.proof);
    line(out, "memory", &Row { what: &what, target: "<= 1 ms", measured, reached: found.proof <= 1.0 });
    out.push('\n');
}

fn line(out: &mut String, place: &str, row: &Row<'_>) {
    let Row { what, target, measured, reached } = row;
    let word = match (*target, *reached) {
        ("no target", _) => "",
        (_, false) => "**missed**",
        // What fewer people take says little about a million.
        (target, true) if target.ends_with("1 million people") => "at this size",
        (_, true) => "reached",
    };
    let _ = writeln!(out, "| {what} | {place} | {target} | {measured} | {word} |");
}

fn rows(site: &Site) -> Vec<Row<'static>> {
    let most = site.floor.keys().copied().max().unwrap_or(0);
    let (own, own_at) = share(site, Asks::Own);
    let (card, card_at) = share(site, Asks::Card);
    let nothing = Answered::default();
    let write = site.kept.get(&(Asks::Write, most)).unwrap_or(&nothing);
    let kernel = &site.kernel;
    // A sweep of one person makes four commits or syncs of its own: the brake, the intent, the tombstone, the end.
    let beyond = kernel.erase - 3.0 * kernel.act - kernel.sync;
    let sqlite = site.database == Database::Sqlite;
    let limit = if sqlite { 2.5 } else { 4.0 };
    let disk = site.filled.bytes_per_person / 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "far fewer bytes than a float can count")]
    let memory = site.memory as f64 / 1024.0 / 1024.0;
    vec![
        Row {
            what: "read by another, event durable before release",
            target: ">= 45 % of the floor",
            measured: format!("{card:.0} % at {card_at} connections"),
            reached: card >= 45.0,
        },
        Row {
            what: "read by the person, event within a second",
            target: ">= 70 % of the floor",
            measured: format!("{own:.0} % at {own_at} connections"),
            reached: own >= 70.0,
        },
        Row {
            what: "durable sealed writes with ledger, most connections",
            target: ">= 12,000/s, p99 <= 100 ms, no errors",
            measured: format!(
                "{:.0}/s, p99 {:.0} ms, {} errors",
                write.per_second,
                f64::from(write.p99) / 1000.0,
                write.errors
            ),
            reached: write.per_second >= 12_000.0 && write.p99 <= 100_000 && write.errors == 0,
        },
        Row {
            what: "erase one person, beyond its syncs",
            target: "< 1 ms",
            measured: format!("{beyond:.2} ms (of {:.2} ms)", kernel.erase),
            reached: beyond < 1.0,
        },
        Row {
            what: "sweep of people whose clocks are due",
            target: if sqlite { ">= 20,000 people/s" } else { "no target" },
            measured: format!("{:.0}/s ({} people)", kernel.sweep, kernel.swept),
            reached: !sqlite || kernel.sweep >= 20_000.0,
        },
        Row {
            what: "`prove`",
            target: "<= 10 s at 1 million people",
            measured: format!("{:.2} s with {} leaves", kernel.prove, kernel.leaves),
            reached: kernel.prove <= 10.0,
        },
        Row {
            what: "ledger append, durable, grouped",
            target: ">= 20,000 events/s",
            measured: format!("{:.0}/s", kernel.appends),
            reached: kernel.appends >= 20_000.0,
        },
        Row {
            what: "memory of the server",
            target: "<= 200 MB at 1 million people",
            measured: format!("{memory:.0} MB"),
            reached: memory <= 200.0,
        },
        Row {
            what: "disk per person, ten fields, keys, index and event",
            target: if sqlite { "<= 2.5 KB" } else { "<= 4 KB" },
            measured: format!("{disk:.2} KB"),
            reached: disk <= limit,
        },
        Row {
            what: "start of an existing site",
            target: "<= 300 ms",
            measured: format!("{:.0} ms", site.start),
            reached: site.start <= 300.0,
        },
    ]
}

/// The share of the floor's requests per second at the number of connections where the floor does most, in percent.
fn share(site: &Site, asks: Asks) -> (f64, usize) {
    let best = site.floor.iter().max_by(|(_, one), (_, other)| one.per_second.total_cmp(&other.per_second));
    let Some((connections, floor)) = best else { return (0.0, 0) };
    let kept = site.kept.get(&(asks, *connections)).map_or(0.0, |answered| answered.per_second);
    (kept / floor.per_second * 100.0, *connections)
}

/// How much more one operation costs at the larger site: the geometric mean over the numbers of connections, each
/// against the floor beside it, so that whatever else the machine did falls out.
fn growth(small: &Site, large: &Site, asks: Asks) -> f64 {
    let cost = |site: &Site, connections: usize| {
        let kept = site.kept.get(&(asks, connections)).map_or(0.0, |answered| answered.per_second);
        let floor = site.floor.get(&connections).map_or(0.0, |answered| answered.per_second);
        floor / kept
    };
    let each: Vec<f64> = small
        .floor
        .keys()
        .map(|&connections| (cost(large, connections) / cost(small, connections)).ln())
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "there are four")]
    let mean = each.iter().sum::<f64>() / each.len() as f64;
    mean.exp()
}

fn requests(out: &mut String, site: &Site) {
    let _ = writeln!(
        out,
        "## {}, {} people\n\n| | connections | requests/s | of the floor | CPU µs/request | p50 ms | p95 ms | p99 ms | errors |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|",
        site.database,
        thousands(site.people)
    );
    for (connections, floor) in &site.floor {
        answered(out, "floor", *connections, floor, floor);
        for asks in [Asks::Own, Asks::Card, Asks::Write] {
            if let Some(kept) = site.kept.get(&(asks, *connections)) {
                answered(out, word(asks), *connections, kept, floor);
            }
        }
    }
    out.push('\n');
}

fn answered(out: &mut String, name: &str, connections: usize, of: &Answered, floor: &Answered) {
    let ms = |micros: u32| f64::from(micros) / 1000.0;
    let _ = writeln!(
        out,
        "| {name} | {connections} | {:.0} | {:.0} % | {:.0} | {:.2} | {:.2} | {:.2} | {} |",
        of.per_second,
        of.per_second / floor.per_second * 100.0,
        of.cpu,
        ms(of.p50),
        ms(of.p95),
        ms(of.p99),
        of.errors
    );
}

fn rest(out: &mut String, found: &Found) {
    out.push_str(
        "## The rest\n\n| | people written/s | start ms | memory MB (floor) | bytes/person | appends/s | erase one ms | \
         one durable act ms | one sync ms | swept people/s | prove s |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for site in &found.sites {
        let k = &site.kernel;
        let _ = writeln!(
            out,
            "| {}, {} | {:.0} | {:.0} | {} ({}) | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.0} | {:.2} |",
            site.database,
            thousands(site.people),
            site.filled.people_per_second,
            site.start,
            site.memory / 1024 / 1024,
            site.floor_memory / 1024 / 1024,
            site.filled.bytes_per_person,
            k.appends,
            k.erase,
            k.act,
            k.sync,
            k.sweep,
            k.prove
        );
    }
}

fn word(asks: Asks) -> &'static str {
    match asks {
        Asks::Own => "read by the person",
        Asks::Card => "read by another",
        Asks::Write => "durable write",
    }
}

fn thousands(people: usize) -> String {
    if people.is_multiple_of(1000) { format!("{} thousand", people / 1000) } else { people.to_string() }
}
