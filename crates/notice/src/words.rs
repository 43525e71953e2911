//! Lists, numbers, durations and dates as a good letter has them.

use std::fmt::Display;

use jiff::Span;
use jiff::civil::Date;

use crate::choice::Shown;
use crate::notice::Notice;
use crate::time::number_and_unit;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `a`, `a and b`, `a, b and c`.
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [start @ .., last] => {
            let start: Vec<&str> = start.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", start.join(", "), last.as_ref())
        }
    }
}

/// A duration inside a sentence: words up to twelve, then figures: `six months`, `30 days`.
pub fn duration(span: &Span) -> String {
    let (number, unit) = number_and_unit(span);
    let said = if number <= 12 { number_word(number) } else { None };
    format!("{} {}", said.unwrap_or_else(|| number.to_string()), plural(number, unit))
}

/// A duration that opens a sentence: `Six months`, `Thirty days`, `365 days`.
pub(crate) fn opening_duration(span: &Span) -> String {
    let (number, unit) = number_and_unit(span);
    capital(&format!(
        "{} {}",
        number_word(number).unwrap_or_else(|| number.to_string()),
        plural(number, unit)
    ))
}

/// `1 December 2026`.
pub(crate) fn date(day: Date) -> String {
    let month = usize::try_from(day.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    format!("{} {} {}", day.day(), month.copied().unwrap_or_default(), day.year())
}

/// A number with its word: `1 page`, `2 pages`.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, one: &str, more: &str) -> String {
    format!("{number} {}", if number == N::from(1) { one } else { more })
}

/// The text with a capital first letter.
pub fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

fn plural(number: i64, unit: &str) -> String {
    if number == 1 { unit.to_owned() } else { format!("{unit}s") }
}

/// Whole numbers below one hundred.
fn number_word(number: i64) -> Option<String> {
    let number = usize::try_from(number).ok()?;
    if let Some(word) = SMALL.get(number) {
        return Some((*word).to_owned());
    }
    let tens = TENS.get(number / 10)?;
    match SMALL.get(number % 10)? {
        &"zero" => Some((*tens).to_owned()),
        ones => Some(format!("{tens}-{ones}")),
    }
}

/// What some labels hold, as a sentence says it: "your name and telephone number", then what is not "yours".
pub(crate) struct Held {
    yours: Vec<String>,
    others: Vec<String>,
}

impl Held {
    pub(crate) fn new() -> Self {
        Self { yours: Vec::new(), others: Vec::new() }
    }

    /// What these labels hold, whole.
    pub(crate) fn of<'l>(notice: &Notice, labels: impl IntoIterator<Item = &'l String>) -> Self {
        let mut held = Self::new();
        labels.into_iter().for_each(|label| held.add(notice, label, Shown::Whole, |_| true));
        held
    }

    /// Adds what a label holds of the wanted terms, in this form. A label with words of its own is said by them.
    pub(crate) fn add(&mut self, notice: &Notice, label: &str, shown: Shown, wanted: impl Fn(&str) -> bool) {
        let Some(data) = notice.data(label) else { return };
        let said: Vec<(&str, &str)> = match &data.says {
            Some(says) => vec![
                ["your", "the", "our"]
                    .into_iter()
                    .find_map(|lead| Some((lead, says.strip_prefix(lead)?.strip_prefix(' ')?)))
                    .unwrap_or(("your", says)),
            ],
            None => {
                data.kinds.iter().filter(|term| wanted(term.id)).map(|term| (term.lead, term.label)).collect()
            }
        };
        for (lead, what) in said {
            match shown {
                Shown::Whole if lead == "your" => self.yours.push(what.to_owned()),
                Shown::Whole => self.others.push(format!("{lead} {what}")),
                Shown::LastFour => self.others.push(format!("the last four characters of {lead} {what}")),
                Shown::Initial => self.others.push(format!("the first letter of {lead} {what}")),
                Shown::Domain => self.others.push(format!("the domain of {lead} {what}")),
                Shown::Presence => self.others.push(format!("whether we hold {lead} {what}")),
            }
        }
    }

    /// `it` or `them`.
    pub(crate) fn pronoun(&self) -> &'static str {
        if self.yours.len() + self.others.len() == 1 { "it" } else { "them" }
    }

    /// The list.
    pub(crate) fn words(&self) -> String {
        let first =
            |(place, what): (usize, &String)| if place == 0 { format!("your {what}") } else { what.clone() };
        let mut items: Vec<String> = self.yours.iter().enumerate().map(first).collect();
        items.extend(self.others.iter().cloned());
        list(&items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_no_comma_before_and() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn numbers_are_words_where_letters_have_words() {
        let span = |text| crate::time::parse_span(text).unwrap();
        assert_eq!(duration(&span("1 year")), "one year");
        assert_eq!(duration(&span("12 days")), "twelve days");
        assert_eq!(duration(&span("30 days")), "30 days");
        assert_eq!(opening_duration(&span("30 days")), "Thirty days");
        assert_eq!(opening_duration(&span("21 days")), "Twenty-one days");
        assert_eq!(opening_duration(&span("100 days")), "100 days");
    }

    #[test]
    fn dates_are_written_out() {
        assert_eq!(date(jiff::civil::date(2026, 12, 1)), "1 December 2026");
    }
}
