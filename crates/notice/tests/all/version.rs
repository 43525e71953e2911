//! A notice's version changes with its values and with nothing else.

use kept_notice::parse;

use crate::fixtures::{SHORT, TRAINERS, few_words, short, short_but, trainers, words};

#[test]
fn comments_and_spacing_do_not_count() {
    let source = format!("# A comment.\n\n{}", SHORT.replace(" = ", "   =  ").replace('\n', "  # more\n"));
    assert_eq!(parse(&source, &few_words()).unwrap().version, short().version);
}

#[test]
fn the_order_of_keys_and_sections_does_not_count() {
    let mut sections: Vec<&str> = SHORT.split("\n\n").collect();
    sections.reverse();
    let source = sections.join("\n\n");
    assert_eq!(parse(&source, &few_words()).unwrap().version, short().version);
    assert_eq!(
        short_but(
            "carrier = \"cookie\"\nends    = \"with the browser\"",
            "ends = \"with the browser\"\ncarrier = \"cookie\""
        )
        .version,
        short().version
    );
}

#[test]
fn the_way_a_table_is_written_does_not_count() {
    assert_eq!(short_but("access = { on = \"My data\" }", "access.on = 'My data'").version, short().version);
    assert_eq!(
        short_but("[right]\naccess = { on = \"My data\" }", "[right.access]\non = \"My data\"").version,
        short().version
    );
}

#[test]
fn every_value_counts() {
    let changes = [
        ("Example Club", "Example Clubs"),
        ("2026-12-01", "2026-12-02"),
        ("\"6 months\"", "\"7 months\""),
        ("\"1 hour\"", "\"2 hours\""),
        ("[\"identity\", \"password\", \"phone\"]", "[\"identity\", \"phone\", \"password\"]"),
        ("access = { on = \"My data\" }", "access = { on = \"My data\", ref = [\"rgt-1\"] }"),
        ("track = {}", "store-in-clear = {}"),
        ("lasts = \"1 year\"", "lasts = \"2 years\""),
        ("sees phone for membership", "sees phone for membership, if dispute.opened on 2027-01-01"),
    ];
    let mut versions: Vec<String> = changes.iter().map(|(old, new)| short_but(old, new).version).collect();
    versions.push(short().version);
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), changes.len() + 1);
}

#[test]
fn the_canonical_form_is_a_notice_of_the_same_version() {
    for (source, vocabulary) in [(SHORT, few_words()), (TRAINERS, words())] {
        let notice = parse(source, &vocabulary).unwrap();
        let again = parse(&notice.canonical, &vocabulary).unwrap();
        assert_eq!(again.version, notice.version);
        assert_eq!(again.canonical, notice.canonical);
        let sorted = |notice: &kept_notice::Notice| {
            let mut texts: Vec<String> = notice
                .sentences()
                .into_iter()
                .map(|sentence| format!("{} {}", sentence.id, sentence.text))
                .collect();
            texts.sort();
            texts
        };
        assert_eq!(sorted(&again), sorted(&notice));
    }
}

#[test]
fn the_canonical_form_escapes_what_it_must() {
    let notice = short_but("\"protect the site\"", "'protect the \"site\" \\ its people'");
    assert!(notice.canonical.contains(r#"purpose.security.says = "protect the \"site\" \\ its people""#));
    assert_eq!(parse(&notice.canonical, &few_words()).unwrap().version, notice.version);
}

#[test]
fn the_version_is_the_hash_of_the_canonical_form() {
    let notice = trainers();
    assert_eq!(notice.version.len(), 64);
    insta::assert_snapshot!(notice.canonical.lines().take(8).collect::<Vec<_>>().join("\n"), @r#"
    cookie.notice-seen.lasts = "1 year"
    cookie.notice-seen.ref = ["acc-7"]
    cookie.notice-seen.says = "remembers that you have seen the notification bar"
    data.address = ["pd:PhysicalAddress"]
    data.credits = ["pd:ProfessionalTraining"]
    data.documents.is = ["pd:PersonalDocuments"]
    data.documents.says = "handed-in document"
    data.identity = ["pd:Name", "pd:EmailAddress"]
    "#);
}
