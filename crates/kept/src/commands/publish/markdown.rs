//! The notice as Markdown.

use std::fmt::Write;

use super::Sheet;

/// The whole text.
pub(super) fn text(sheet: &Sheet<'_>) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = write(sheet, &mut out);
    out
}

fn write(sheet: &Sheet<'_>, out: &mut String) -> std::fmt::Result {
    writeln!(out, "# Privacy notice of {}\n", plain(&sheet.notice.of))?;
    writeln!(out, "Version `{}`\n", sheet.notice.version)?;
    writeln!(out, "| What | Why | Until when | Who sees it |\n|---|---|---|---|")?;
    for row in &sheet.rows {
        let who = if row.who.is_empty() { "none of us".to_owned() } else { row.who.join("; ") };
        let cells = [row.what.clone(), row.why.join("; "), row.until.join("; "), who];
        writeln!(out, "| {} |", cells.map(|cell| plain(&cell)).join(" | "))?;
    }
    for section in &sheet.sections {
        writeln!(out, "\n## {}", section.title)?;
        if !section.prose.is_empty() {
            writeln!(out, "\n> *In our own words; no check stands behind this.*")?;
            for text in &section.prose {
                writeln!(out, ">\n> {}", plain(text).replace('\n', "\n> "))?;
            }
        }
        for sentence in &section.sentences {
            write!(out, "\n- {}", plain(&sentence.text))?;
            for hold in sheet.limits(sentence) {
                let (name, length) = (plain(&hold.name), plain(&sheet.notice.length_of(hold)));
                write!(out, " The hold {name} can keep some of this longer, {length}.")?;
            }
            let refs = if sentence.refs.is_empty() {
                String::new()
            } else {
                format!(", {}", sentence.refs.join(", "))
            };
            writeln!(out, " (`{}`{})", sentence.id, plain(&refs))?;
        }
    }
    Ok(())
}

/// The text with every sign that Markdown would take for its own marked as text (CommonMark §2.4).
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_markdown_are_text() {
        assert_eq!(plain("a|b *c* <d> [e](f)"), r"a\|b \*c\* \<d\> \[e\](f)");
        assert_eq!(plain("your name, s. 8(8)"), "your name, s. 8(8)");
    }
}
