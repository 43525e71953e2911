//! `kept publish NOTICE`: the notice for people to read, on one page or as Markdown, or as JSON-LD for machines. The
//! sentences are those that the site shows.

mod linked;
mod markdown;

use std::{io::Write, path::Path};

use askama::Template;
use kept_keeper::Policy;
use kept_notice::{Hold, Notice, Sentence};
use kept_public::{Row, rows, title};
use kept_web::assets;

use super::{Failed, compile, read};

/// In what form a notice is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One page that needs no other file.
    Html,
    /// Markdown (CommonMark, with one table as GitHub and others have it).
    Markdown,
    /// JSON-LD with the terms of DPV 2.3.
    Json,
}

/// Prints a notice.
///
/// # Errors
/// It cannot be read, has problems, or the output cannot be written.
pub fn run(path: &Path, format: Format, out: &mut impl Write) -> Result<(), Failed> {
    let policy = compile(path, &read(path)?)?;
    match format {
        Format::Html => writeln!(out, "{}", Sheet::of(&policy).render().map_err(std::io::Error::other)?)?,
        Format::Markdown => write!(out, "{}", markdown::text(&Sheet::of(&policy)))?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &linked::document(&policy))?;
            writeln!(out)?;
        }
    }
    Ok(())
}

/// The notice as people read it, whatever it is printed on.
#[derive(Template)]
#[template(path = "commands/publish/publish.html")]
struct Sheet<'a> {
    notice: &'a Notice,
    rows: Vec<Row>,
    sections: Vec<Section<'a>>,
    style: &'static str,
}

/// A section of the notice: the operator's own prose, then the sentences.
struct Section<'a> {
    title: &'static str,
    /// Paragraphs that no check stands behind.
    prose: Vec<&'a str>,
    sentences: Vec<&'a Sentence>,
}

impl<'a> Sheet<'a> {
    fn of(policy: &'a Policy) -> Sheet<'a> {
        let mut order: Vec<&'static str> = Vec::new();
        let spoken = policy.sentences.iter().map(|sentence| sentence.section);
        for section in spoken.chain(policy.notice.prose.iter().map(|prose| prose.section)) {
            if !order.contains(&section) {
                order.push(section);
            }
        }
        let section = |name: &'static str| Section {
            title: title(name),
            prose: policy
                .notice
                .prose
                .iter()
                .filter(|prose| prose.section == name)
                .flat_map(|prose| prose.text.split("\n\n"))
                .collect(),
            sentences: policy.sentences.iter().filter(|sentence| sentence.section == name).collect(),
        };
        Sheet {
            notice: &policy.notice,
            rows: rows(policy),
            sections: order.into_iter().map(section).collect(),
            style: assets::stylesheet(),
        }
    }

    /// The holds that can keep some of what a sentence erases.
    fn limits(&self, sentence: &'a Sentence) -> impl Iterator<Item = &'a Hold> {
        let notice = self.notice;
        notice.holds.iter().filter(|hold| sentence.limited_by.contains(&hold.rule.id))
    }
}
