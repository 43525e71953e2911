//! One line of a table, by the rules of the sign-up form.

use std::cmp::Ordering;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kept_keeper::Policy;
use kept_notice::{DataSource, spell, words::counted};
use kept_vault::Kind;
use kept_web::form::{Fields, Need};

use super::{Fault, Refused};
use crate::{email::Email, records::Profile, sign_up};

/// Every column that a file may have, and the kind of what is in it.
const COLUMNS: [(&str, Kind); 7] = [
    ("given_name", Kind::NAME),
    ("family_name", Kind::NAME),
    ("email", Kind::EMAIL_ADDRESS),
    ("address", Kind::PHYSICAL_ADDRESS),
    ("phone", Kind::TELEPHONE_NUMBER),
    ("member_id", Kind::IDENTIFIER),
    ("expires", Kind::MEMBERSHIP),
];

/// What is held only if the sign-up form asks for it.
const BY_FORM: [Kind; 2] = [Kind::PHYSICAL_ADDRESS, Kind::TELEPHONE_NUMBER];

/// The longest member id, in characters.
const LONGEST_ID: usize = 40;

/// Which column is what.
pub(super) struct Columns(Vec<&'static str>);

/// Who a good line is about.
pub(super) struct Newcomer {
    pub(super) profile: Profile,
    pub(super) email: Email,
    /// The number by which the other system knew them, in capitals.
    pub(super) member_id: Option<String>,
    /// The end of a membership, where the notice knows any.
    pub(super) expires: Option<Timestamp>,
}

impl Columns {
    /// The first line. A name that is none is not repeated: of a file without a first line of names it is a person's.
    pub(super) fn read_head(policy: &Policy, rule: &DataSource, head: &[String]) -> Result<Columns, Refused> {
        let notice = &policy.notice;
        let asks = |kind| sign_up::Row::of(policy, kind);
        let gives = |kind: Kind| {
            let given =
                rule.gives.iter().flat_map(|label| notice.kinds_of(label)).any(|term| term == kind.term());
            given && (!BY_FORM.contains(&kind) || asks(kind).asked)
        };
        if !gives(Kind::NAME) || !gives(Kind::EMAIL_ADDRESS) {
            return Err(Refused::TooLittle(rule.rule.id.clone()));
        }
        let usable = || COLUMNS.iter().filter(|(_, kind)| gives(*kind)).map(|(name, _)| *name);
        let mut found: Vec<&'static str> = Vec::new();
        for (at, name) in head.iter().enumerate() {
            let refused = |message: String| Refused::Column { number: at + 1, message };
            let name = name.trim();
            if name.is_empty() {
                return Err(refused("it has no name; name it, or leave it out".into()));
            }
            let Some((known, kind)) = COLUMNS.iter().find(|(known, _)| *known == name) else {
                let help = spell::help(name, usable());
                return Err(refused(format!("its name is not known; {help}")));
            };
            if !gives(*kind) {
                let message = format!(
                    "[{}] of the notice does not give {known}, or its sign-up form does not ask for it; leave it out",
                    rule.rule.id
                );
                return Err(refused(message));
            }
            if found.contains(known) {
                return Err(refused(format!("{known} is there twice; leave one out")));
            }
            found.push(known);
        }
        let needed = |(_, kind): &&(&str, Kind)| match *kind {
            kind if BY_FORM.contains(&kind) => asks(kind).required,
            Kind::IDENTIFIER => false,
            Kind::MEMBERSHIP => notice.label_of(kind.term()).is_some(),
            _ => true,
        };
        match COLUMNS.iter().filter(needed).find(|(name, _)| !found.contains(name)) {
            Some((missing, _)) => Err(Refused::Missing(missing)),
            None => Ok(Columns(found)),
        }
    }

    /// One line.
    pub(super) fn read(
        &self,
        policy: &Policy,
        now: Timestamp,
        cells: &[String],
    ) -> Result<Newcomer, Vec<Fault>> {
        let todo = match cells.len().cmp(&self.0.len()) {
            Ordering::Equal => None,
            Ordering::Greater => Some("put text with a comma in it in quotation marks"),
            Ordering::Less => Some(
                "write a comma after each empty cell, too, and look whether a quotation mark is not closed",
            ),
        };
        if let Some(todo) = todo {
            let count = counted(cells.len() as u64, "cell", "cells");
            let message = format!("the line has {count} and the first line {}; {todo}", self.0.len());
            return Err(vec![Fault { column: String::new(), message }]);
        }
        let mut fields = Fields::default();
        for (name, cell) in self.0.iter().zip(cells) {
            fields.fill(name, cell.replace("\r\n", "\n").replace('\r', "\n"));
            if cell.contains(|c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t')) {
                fields.refuse(name, "It has characters that are not text: take them out.");
            }
        }
        let details = sign_up::details(policy, &mut fields);
        let member_id = fields.text("member_id", "Member id", LONGEST_ID, Need::Voluntary);
        if member_id.as_ref().is_some_and(|id| id.contains('@')) {
            fields.refuse("member_id", "An address is no member id: look whether the columns are mixed up.");
        }
        let expires = self.0.contains(&"expires").then(|| expires(&mut fields, now)).flatten();
        if let (Some((profile, email)), []) = (details, fields.errors()) {
            let member_id = member_id.map(|id| id.to_uppercase());
            return Ok(Newcomer { profile, email, member_id, expires });
        }
        let faults = fields.errors().iter();
        Err(faults.map(|one| Fault { column: one.name.into(), message: one.message.clone() }).collect())
    }
}

/// The day on which a membership ends. Whose is over is not taken in: there would be nothing but to forget them.
fn expires(fields: &mut Fields, now: Timestamp) -> Option<Timestamp> {
    let text = fields.text("expires", "Expires", 10, Need::Required)?;
    let end = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    let end = end.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|start| start.timestamp());
    match end {
        None => fields.refuse("expires", "Write the day as year, month and day, such as 2027-01-31."),
        Some(end) if end <= now => {
            let message =
                "The membership is over: leave the line out, or write the day to which it was renewed.";
            fields.refuse("expires", message);
        }
        Some(_) => {}
    }
    end
}
