//! acc-5: which addresses carry a session where addresses do, and that every template can be written that way.

use std::{fs, path::Path};

use kept_web::paths::is_public;

/// Whoever adds a public page says so in `paths::is_public`; whoever adds one of one's own needs nothing.
#[test]
fn the_public_pages_are_those_of_the_public_area() {
    for (path, _) in kept_public::ROUTES {
        assert!(is_public(path), "{path}");
    }
    for (path, _) in kept_accounts::ROUTES {
        assert!(!is_public(path), "{path}");
        assert!(!path.starts_with("/s/"), "{path} would be taken for a session's");
    }
}

/// The token is written into attributes of one form: `name="/…"`.
#[test]
fn templates_write_addresses_in_one_form() {
    let mut looked_at = 0;
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in templates(&crates) {
        let text = fs::read_to_string(&file).unwrap();
        for name in ["href", "src", "action", "formaction", "srcset", "poster", "data", "ping"] {
            for (at, _) in text.match_indices(&format!("{name}=")) {
                if !text[..at].ends_with(|c: char| c.is_ascii_whitespace()) {
                    continue;
                }
                looked_at += 1;
                let value = &text[at + name.len() + 1..];
                assert!(value.starts_with('"'), "{}: {name}= without double quotes", file.display());
                assert!(
                    ["href", "src", "action"].contains(&name),
                    "{}: addresses in {name}= are not written yet",
                    file.display()
                );
            }
        }
        assert!(!text.contains("http-equiv=\"refresh\""), "{}", file.display());
    }
    assert!(looked_at > 150, "{looked_at}");
}

fn templates(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(templates(&path));
        } else if path.extension().is_some_and(|extension| extension == "html") {
            found.push(path);
        }
    }
    found
}
