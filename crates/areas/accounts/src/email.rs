//! E-mail addresses, as people type them and as the blind index compares them.

use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

/// An address that mail could go to: one `@`, a local part, a domain with a dot (RFC 5321 §4.5.3.1 gives the lengths).
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

/// What was typed is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like name@example.test")]
pub struct NotAnAddress;

impl Email {
    /// The address as it was typed, without the space around it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which two spellings of one address are the same: compatibility-normalised, in lower case.
    pub fn folded(&self) -> String {
        self.0.nfkc().collect::<String>().to_lowercase()
    }
}

impl FromStr for Email {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Email, NotAnAddress> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnAddress)?;
        let plain =
            |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '@' | '<' | '>' | ',' | ';');
        let labels = domain.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
        let fits = text.len() <= 254 && (1..=64).contains(&local.len());
        if fits && labels && domain.contains('.') && local.chars().all(plain) {
            Ok(Email(text.to_owned()))
        } else {
            Err(NotAnAddress)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for good in ["ada@example.test", " o'brien+x@sub.example.test ", "ünï@exämple.test"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "ada",
            "@example.test",
            "ada@",
            "ada@example",
            "a b@example.test",
            "a@b@example.test",
            "ada@-x.test",
            "a\n@x.test",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn spellings_of_one_address_fold_together() {
        let [one, two] =
            ["Ada@Example.test", "ada@example.TEST"].map(|text| text.parse::<Email>().unwrap().folded());
        assert_eq!(one, two);
    }
}
