//! Every address of this area, asked for by everybody: who gets what.

use std::fmt::Write;

use kept_accounts::ROUTES;
use kept_testkit::{Browser, Site};

/// A route that is not in the table fails here: the table is made from the routes themselves.
#[tokio::test]
async fn everybody_at_every_door() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let support = site.staff("sam@example.test", "support").await;
    let owner = site.staff("olive@example.test", "owner").await;
    let unenrolled = site.member("una@example.test").await;
    site.act(move |act| kept_accounts::give_role(act, unenrolled, "support")).await;
    let mut readers: Vec<(&str, Browser)> = vec![
        ("visitor", site.browser()),
        ("member", site.signed_in("ada@example.test").await),
        ("waiting", site.signed_in("sam@example.test").await),
        ("no factor", site.signed_in("una@example.test").await),
        ("support", site.at_desk("sam@example.test", &support).await),
        ("owner", site.at_desk("olive@example.test", &owner).await),
    ];
    let mut table = format!("{:<28}", "");
    for (name, _) in &readers {
        write!(table, "{name:>26}").unwrap();
    }
    table.push('\n');
    for (path, _) in ROUTES {
        let path = path
            .replace("{token}", "AAAA")
            .replace("{number}", "AAAA")
            .replace("{pass}", "AAAA")
            .replace("{name}", "AAAA");
        for method in ["GET", "POST", "POST without token"] {
            let mut row = format!("{:<28}", format!("{} {path}", method.replace(" without token", "*")));
            for (_, reader) in &mut readers {
                // A copy of the browser: what it does here must not change what comes after.
                let mut reader = reader.clone();
                let page = match method {
                    "GET" => reader.get(&path).await,
                    "POST" => {
                        // Signing out is left out with a token: it would end the session for the rows after it.
                        let token = reader.token("/sign-in").await;
                        let token = if path == "/sign-out" { "" } else { &token };
                        reader.post_with(&path, token, &[]).await
                    }
                    _ => reader.post_with(&path, "", &[]).await,
                };
                let to = page.location().map(|to| format!(" {to}")).unwrap_or_default();
                write!(row, "{:>26}", format!("{}{to}", page.status.as_u16())).unwrap();
                if page.status == 404 {
                    let nowhere = reader.get("/no/such/page").await.without_tokens();
                    let here = page.without_tokens().replace(" aria-current=\"page\"", "");
                    assert!(here == nowhere, "{path} can be told from no page at all");
                }
            }
            table.push_str(row.trim_end());
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table);
}
