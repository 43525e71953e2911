//! Every address of the site, asked for by everybody: who gets what; and what is somebody else's, asked for by name.

use std::fmt::Write;

use kept_testkit::{Browser, PASSWORD, Site, addresses};

use crate::support::{count, look_up, sign_up};

/// A route that is not in the table fails here: the table is made from the routes themselves.
#[tokio::test]
async fn everybody_at_every_door() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let support = site.staff("sam@example.test", "support").await;
    let owner = site.staff("olive@example.test", "owner").await;
    let unenrolled = site.member("una@example.test").await;
    site.act(move |act| kept_accounts::give_role(act, unenrolled, "support")).await;
    let off = site.member("otto@example.test").await;
    site.act(move |act| kept_accounts::members::disable(act, off)).await;
    let mut readers: Vec<(&str, Browser)> = vec![
        ("visitor", site.browser()),
        ("member", site.signed_in("ada@example.test").await),
        ("switched off", site.signed_in("otto@example.test").await),
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
    for path in addresses() {
        let path = path.replace("{token}", "AAAA").replace("{version}", "0000");
        let path = path.replace("{number}", "AAAA").replace("{pass}", "AAAA").replace("{name}", "AAAA");
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
                // Where it leads on to after signing in is a story of its own.
                let to = page.location().and_then(|to| to.split("?to=").next());
                let to = to.map(|to| format!(" {to}")).unwrap_or_default();
                write!(row, "{:>26}", format!("{}{to}", page.status.as_u16())).unwrap();
                if page.status == 404 {
                    let nowhere = reader.get("/no/such/page").await.without_tokens();
                    let here = page.without_tokens().replace(" aria-current=\"page\"", "");
                    let [here, nowhere] = [(here, path.as_str()), (nowhere, "/no/such/page")]
                        .map(|(html, back)| html.replace(&format!("name=\"back\" value=\"{back}\""), ""));
                    assert!(here == nowhere, "{path} can be told from no page at all");
                }
            }
            table.push_str(row.trim_end());
            table.push('\n');
        }
    }
    insta::assert_snapshot!(table);
}

/// Every route that names something of one person's, tried by another who knows the name: nothing changes and nothing is
/// shown. A route with a name in its address that is not tried here fails.
#[tokio::test]
async fn what_is_somebody_elses_is_not_there() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    site.member("bert@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let mut bert = site.signed_in("bert@example.test").await;
    let mut tried = Vec::new();

    // A sign-up that another browser began: its link alone opens no account.
    sign_up(&mut site.browser(), "mira@example.test").await;
    let link = site.link("mira@example.test").await;
    assert_eq!(
        bert.submit("/sign-in", &link, &[("password", PASSWORD.repeat(2).as_str())]).await.status,
        422
    );
    assert_eq!(site.find("mira@example.test").await, None);
    tried.push("/confirm/{token}");

    // A session.
    let page = ada.visit("/account/sessions").await;
    let session = page.html.split("name=\"end\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    bert.send("/account/sessions", &[("end", session)]).await;
    assert_eq!(ada.get("/account").await.status, 200);

    // An address that she is adding.
    ada.send("/account/addresses", &[("do", "add"), ("email", "ada@work.test"), ("password", PASSWORD)])
        .await;
    let link = site.link("ada@work.test").await;
    assert_eq!(bert.get(&link).await.status, 410);
    assert_eq!(bert.submit("/account", &link, &[]).await.status, 410);
    assert_eq!(site.find("ada@work.test").await, None);
    for what in ["main", "remove"] {
        let fields = [("do", what), ("email", "ada@example.test"), ("password", PASSWORD)];
        assert_eq!(bert.send("/account/addresses", &fields).await.status, 422, "{what}");
    }
    tried.push("/account/addresses/{token}");

    // A link to a new password is the one thing that whoever has it may use: it proves the mailbox. A link of another
    // sort is none.
    let other = link.replace("/account/addresses/", "/recover/");
    assert_eq!(bert.get(&other).await.status, 410);
    assert_eq!(
        bert.submit("/account", &other, &[("new_password", "copper lantern drifts eastward")]).await.status,
        410
    );
    tried.push("/recover/{token}");

    // A member's card, by its id, without the role.
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    let card = look_up(&mut desk, "ada@example.test", "asked on the phone").await;
    let subject = card.value("subject").unwrap();
    let fields = [("subject", subject.as_str()), ("do", "disable"), ("reason", "because")];
    assert_eq!(bert.submit("/account", "/desk/act", &fields).await.status, 404);
    let fields = [("end", subject.as_str()), ("role", "support")];
    assert_eq!(desk.submit("/desk", "/desk/staff", &fields).await.status, 404);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE standing = 'disabled'").await, 0);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM roles").await, 1);

    // A document that she handed in, as another member and as a desk that decides on none.
    let page = ada.upload("/account/documents", &[("about", "A licence")], ("file", b"%PDF-1.7 hers")).await;
    let number = page.html.split("/account/documents/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(ada.get(&format!("/account/documents/{number}")).await.status, 200);
    assert_eq!(bert.get(&format!("/account/documents/{number}")).await.status, 404);
    tried.push("/account/documents/{number}");
    let path = format!("/desk/documents/{number}");
    for reader in [&mut bert, &mut desk] {
        assert_eq!(reader.get(&path).await.status, 404);
        assert_eq!(reader.submit("/account", &path, &[("reason", "because")]).await.status, 404);
        assert_eq!(reader.get(&format!("{path}/file/AAAA")).await.status, 404);
        let decision = [("do", "refuse"), ("answer", "because")];
        assert_eq!(reader.submit("/account", &format!("{path}/decision"), &decision).await.status, 404);
    }
    assert_eq!(count(&site, "SELECT COUNT(*) FROM documents WHERE decided IS NOT NULL").await, 0);
    tried.push("/desk/documents/{number}");
    tried.push("/desk/documents/{number}/decision");
    tried.push("/desk/documents/{number}/file/{pass}");

    // A link to a file is for the session that it was made in.
    std::fs::write(site.folder().join("downloads").join("tool"), "a tool").unwrap();
    let page = ada.visit("/account/downloads").await;
    let link = page.html.split("href=\"").find(|rest| rest.starts_with("/account/downloads/tool/")).unwrap();
    let link = link.split('"').next().unwrap();
    assert_eq!(ada.get(link).await.status, 200);
    assert_eq!(bert.get(link).await.status, 410);
    tried.push("/account/downloads/{name}/{pass}");

    // Of the notice every version is everybody's.
    tried.push("/notice/versions/{version}");
    for path in addresses().filter(|path| path.contains('{')) {
        assert!(tried.contains(&path), "{path} names something, and nobody tried to get at somebody else's");
    }
    // What anybody saw of her, she was shown herself.
    for path in ["/account", "/account/data", "/account/trail", "/account/sessions", "/account/close"] {
        assert!(!bert.visit(path).await.html.contains("ada@"), "{path}");
    }
}
