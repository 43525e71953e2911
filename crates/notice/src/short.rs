//! Rules in short, for tables: "6 months after your membership expires".

use jiff::{
    Span,
    fmt::friendly::{Designator, Spacing, SpanPrinter},
};

use crate::{
    notice::{Data, Hold, HoldEnd, Notice, Retain},
    terms,
};

impl Notice {
    /// When a rule ends data: "6 months after your membership expires, unless you renew your membership".
    pub fn end_of(&self, rule: &Retain) -> String {
        let event = self.when(&rule.when);
        let end = match (&rule.after, &rule.within) {
            (Some(after), None) => format!("{} after {event}", figures(after)),
            (None, Some(within)) => format!("within {} after {event}", figures(within)),
            (Some(after), Some(within)) => {
                format!("between {} and {} after {event}", figures(after), figures(within))
            }
            (None, None) => format!("as soon as {event}"),
        };
        match &rule.unless {
            Some(unless) => format!("{end}, unless {}", self.when(unless)),
            None => end,
        }
    }

    /// What a kind of data is called: by the notice, if it has words for it alone, or else by its term.
    pub fn name_of<'a>(&'a self, term: &'a str) -> &'a str {
        let data = self.label_of(term).filter(|data| data.kinds.len() == 1);
        data.and_then(|data| data.says.as_deref())
            .or_else(|| terms::find(term).map(|term| term.label))
            .unwrap_or(term)
    }

    /// How long a hold keeps data, and why: "until the dispute is settled (PIPEDA, s. 8(8))".
    pub fn length_of(&self, hold: &Hold) -> String {
        let end = match &hold.end {
            HoldEnd::Lasts(span) => format!("for {}", figures(span)),
            HoldEnd::Until(event) => format!("until {}", self.when(event)),
        };
        format!("{end} ({})", hold.because)
    }
}

impl Data {
    /// What the label holds, in its own words or in those of its terms: "name, e-mail address".
    pub fn in_short(&self) -> String {
        match &self.says {
            Some(says) => says.strip_prefix("your ").unwrap_or(says).to_owned(),
            None => self.kinds.iter().map(|term| term.label).collect::<Vec<_>>().join(", "),
        }
    }
}

/// A duration in figures: "6 months".
fn figures(span: &Span) -> String {
    SpanPrinter::new()
        .designator(Designator::Verbose)
        .spacing(Spacing::BetweenUnitsAndDesignators)
        .span_to_string(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(figures(&Span::new().months(6)), "6 months");
        assert_eq!(figures(&Span::new().years(1)), "1 year");
        assert_eq!(figures(&Span::new().days(30)), "30 days");
        assert_eq!(figures(&Span::new().weeks(2)), "2 weeks");
    }
}
