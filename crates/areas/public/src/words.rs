//! Words that several pages share.

use jiff::{
    Span,
    fmt::friendly::{Designator, Spacing, SpanPrinter},
};
use kept_keeper::{Keeper, Policy};
use kept_notice::{Data, EventWords, Hold, HoldEnd, Retain, terms};

/// How sentences speak of what can happen, from the code's own areas.
pub(crate) struct Events(Vec<EventWords>);

impl Events {
    pub(crate) fn of(keeper: &Keeper) -> Events {
        Events(keeper.registry().vocabulary().events)
    }

    /// When a rule ends data: "6 months after your membership expires, unless you renew it".
    pub(crate) fn end_of(&self, rule: &Retain) -> String {
        let event = self.when(&rule.when);
        let end = match (&rule.after, &rule.within) {
            (Some(after), None) => format!("{} after {event}", duration(after)),
            (None, Some(within)) => format!("within {} after {event}", duration(within)),
            (Some(after), Some(within)) => {
                format!("between {} and {} after {event}", duration(after), duration(within))
            }
            (None, None) => format!("as soon as {event}"),
        };
        match &rule.unless {
            Some(unless) => format!("{end}, unless {}", self.when(unless)),
            None => end,
        }
    }

    /// How long a hold keeps data, and why: "until the dispute is settled (PIPEDA, s. 8(8))".
    pub(crate) fn length_of(&self, hold: &Hold) -> String {
        let end = match &hold.end {
            HoldEnd::Lasts(span) => format!("for {}", duration(span)),
            HoldEnd::Until(event) => format!("until {}", self.when(event)),
        };
        format!("{end} ({})", hold.because)
    }

    fn when<'a>(&'a self, event: &'a str) -> &'a str {
        self.0.iter().find(|words| words.name == event).map_or(event, |words| words.when)
    }
}

/// What a label of the notice holds, in its own words or in those of its terms: "name, e-mail address".
pub(crate) fn plain(data: &Data) -> String {
    match &data.says {
        Some(says) => says.strip_prefix("your ").unwrap_or(says).to_owned(),
        None => data.kinds.iter().map(|term| term.label).collect::<Vec<_>>().join(", "),
    }
}

/// What one kind is called: by the notice, if it has words for it alone, or else by its term.
pub(crate) fn kind<'a>(policy: &'a Policy, term: &str, label: &'a str) -> &'a str {
    let data = policy.notice.label_of(term).filter(|data| data.kinds.len() == 1);
    data.and_then(|data| data.says.as_deref()).unwrap_or(label)
}

/// Why something is read, in the notice's words or, where the notice has none, in those of the term.
pub(crate) fn purpose(policy: &Policy, term: &str) -> String {
    let said = policy.notice.purposes.iter().find(|purpose| purpose.is.id == term);
    let said = said.map(|purpose| format!("to {}", purpose.says));
    said.unwrap_or_else(|| terms::find(term).map_or(term, |term| term.label).to_owned())
}

/// A duration in figures, for tables: "6 months".
pub(crate) fn duration(span: &Span) -> String {
    SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators)
        .span_to_string(span)
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [start @ .., last] => {
            let start: Vec<&str> = start.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", start.join(", "), last.as_ref())
        }
    }
}

/// The text with a capital first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// The beginning of a notice's version, enough to tell versions apart by eye.
pub(crate) fn short(version: &str) -> String {
    version.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(duration(&Span::new().months(6)), "6 months");
        assert_eq!(duration(&Span::new().years(1)), "1 year");
        assert_eq!(duration(&Span::new().days(30)), "30 days");
        assert_eq!(duration(&Span::new().weeks(2)), "2 weeks");
    }

    #[test]
    fn a_list_has_no_comma_before_and() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a"]), "a");
    }
}
