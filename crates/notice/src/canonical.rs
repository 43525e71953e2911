//! The canonical form: what two notices that say the same have in common.
//!
//! Each value is one `key = value` line with its full dotted key, lines sorted by key: comments, spacing, the order of
//! keys and the choice between `[a.b]`, `a.b = …` and `a = { b = … }` are gone. The result is TOML again, so that an
//! old version can be read from the form its hash was taken of.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

/// The canonical form of a parsed file.
pub(crate) fn form(table: &DeTable<'_>) -> String {
    let mut out = String::new();
    lines(table, "", &mut out);
    out
}

/// The version of a notice: the hex SHA-256 of its canonical form.
pub(crate) fn version(canonical: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(canonical.as_bytes()))
}

fn lines(table: &DeTable<'_>, prefix: &str, out: &mut String) {
    for (name, value) in sorted(table) {
        let path = format!("{prefix}{}", key(name));
        match value {
            DeValue::Table(inner) if !inner.is_empty() => lines(inner, &format!("{path}."), out),
            other => {
                out.push_str(&path);
                out.push_str(" = ");
                inline(other, out);
                out.push('\n');
            }
        }
    }
}

fn inline(value: &DeValue<'_>, out: &mut String) {
    match value {
        DeValue::String(text) => quoted(text, out),
        DeValue::Integer(number) => out.push_str(&number.to_string()),
        DeValue::Float(number) => out.push_str(number.as_str()),
        DeValue::Boolean(truth) => out.push_str(if *truth { "true" } else { "false" }),
        DeValue::Datetime(time) => out.push_str(&time.to_string()),
        DeValue::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place == 0 { "" } else { ", " });
                inline(item.get_ref(), out);
            }
            out.push(']');
        }
        DeValue::Table(table) => {
            out.push('{');
            for (place, (name, value)) in sorted(table).into_iter().enumerate() {
                out.push_str(if place == 0 { " " } else { ", " });
                out.push_str(&key(name));
                out.push_str(" = ");
                inline(value, out);
            }
            out.push_str(if table.is_empty() { "}" } else { " }" });
        }
    }
}

/// A table's entries by key, whatever order the parser's map has.
fn sorted<'t>(table: &'t DeTable<'_>) -> Vec<(&'t str, &'t DeValue<'t>)> {
    let mut entries: Vec<(&str, &DeValue<'_>)> =
        table.iter().map(|(name, value)| (&**name.get_ref(), value.get_ref())).collect();
    entries.sort_by_key(|(name, _)| *name);
    entries
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_owned();
    }
    let mut out = String::new();
    quoted(name, &mut out);
    out
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
