//! Durations as people write them, and when they are over.

use std::time::Duration;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Why a due time could not be computed.
#[derive(Debug, thiserror::Error)]
pub enum TimeError {
    /// The result is past the year 9999.
    #[error("the due time is out of range: {0}")]
    OutOfRange(#[from] jiff::Error),
}

/// When `span` after `start` is over, by the calendar in UTC: six months after 31 August is the last day of February.
///
/// # Errors
///
/// [`TimeError::OutOfRange`] if that is past the year 9999.
pub fn due(start: Timestamp, span: &Span) -> Result<Timestamp, TimeError> {
    Ok(start.to_zoned(TimeZone::UTC).checked_add(*span)?.timestamp())
}

/// How long `span` is at least. Months and years differ; counted from a 1 February they are at their shortest, so that
/// what is promised to last no longer than them does not, whenever it begins.
pub fn shortest(span: &Span) -> Duration {
    let start = date(2097, 2, 1).to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |day| day.timestamp());
    let end = due(start, span).unwrap_or(Timestamp::MAX);
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

/// The day on which `span` after the day `start` is over; the last day there is if that is past it.
pub(crate) fn due_day(start: Date, span: &Span) -> Date {
    start.saturating_add(*span)
}

/// The units a duration can be written in, the largest first. One unit, so that it can be said as it was written.
const UNITS: [&str; 6] = ["year", "month", "week", "day", "hour", "minute"];

/// Reads `6 months`: a whole number above zero and one unit.
pub(crate) fn parse_span(text: &str) -> Option<Span> {
    let (number, unit) = text.split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
    let singular = if number == 1 { unit } else { unit.strip_suffix('s')? };
    let span = match singular {
        "year" => Span::new().try_years(number),
        "month" => Span::new().try_months(number),
        "week" => Span::new().try_weeks(number),
        "day" => Span::new().try_days(number),
        "hour" => Span::new().try_hours(number),
        "minute" => Span::new().try_minutes(number),
        _ => return None,
    };
    span.ok()
}

/// What a duration that cannot be read was probably meant to be.
pub(crate) fn suggest_span(text: &str) -> Option<String> {
    let mut parts = text.split_whitespace();
    let number: i64 = parts.next()?.parse().ok().filter(|number| *number > 0)?;
    let written = parts.next()?.to_lowercase();
    let unit = crate::spell::nearest(written.trim_end_matches('s'), UNITS.into_iter())?;
    Some(format!("{number} {unit}{}", if number == 1 { "" } else { "s" }))
}

/// The number and the unit of a span made by [`parse_span`].
pub(crate) fn number_and_unit(span: &Span) -> (i64, &'static str) {
    let counts = [
        i64::from(span.get_years()),
        i64::from(span.get_months()),
        i64::from(span.get_weeks()),
        i64::from(span.get_days()),
        i64::from(span.get_hours()),
        span.get_minutes(),
    ];
    counts.into_iter().zip(UNITS).find(|(count, _)| *count != 0).unwrap_or((0, "day"))
}

/// Whether one span is longer than another, counted from an arbitrary fixed day.
pub(crate) fn longer(one: &Span, other: &Span) -> bool {
    match (due(Timestamp::UNIX_EPOCH, one), due(Timestamp::UNIX_EPOCH, other)) {
        (Ok(one), Ok(other)) => one > other,
        (one, _) => one.is_err(),
    }
}

/// Whether one span is longer than another from some day on: a month is at times longer than thirty days, and at times
/// not.
pub(crate) fn ever_longer(one: &Span, other: &Span) -> bool {
    // From each first of a month in four years, a leap year among them.
    (0..48).any(|months| {
        let start = due(Timestamp::UNIX_EPOCH, &Span::new().months(months));
        let ends = start.map(|start| (due(start, one), due(start, other)));
        matches!(ends, Ok((Ok(one), Ok(other))) if one > other) || matches!(ends, Ok((Err(_), Ok(_))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_end_on_the_last_day_there_is() {
        let start: Timestamp = "2026-08-31T12:30:00Z".parse().unwrap();
        let end = due(start, &parse_span("6 months").unwrap()).unwrap();
        assert_eq!(end.to_string(), "2027-02-28T12:30:00Z");
    }

    #[test]
    fn past_the_calendar_is_an_error() {
        let start: Timestamp = "9999-06-01T00:00:00Z".parse().unwrap();
        assert!(due(start, &parse_span("1 year").unwrap()).is_err());
    }

    #[test]
    fn no_month_or_year_is_shorter() {
        let days = |text| shortest(&parse_span(text).unwrap()).as_secs() / 86_400;
        assert_eq!([days("1 day"), days("1 month"), days("1 year"), days("3 years")], [1, 28, 365, 3 * 365]);
        assert!(days("9000 years") > 365, "past the calendar is not an error");
    }

    #[test]
    fn a_duration_is_one_number_and_one_unit() {
        for good in ["1 minute", "2 hours", "30 days", "1 week", "6 months", "10 years"] {
            let (number, unit) = number_and_unit(&parse_span(good).unwrap());
            assert!(good.starts_with(&format!("{number} {unit}")), "{good}");
        }
        for bad in [
            "",
            "6",
            "months",
            "0 days",
            "-1 days",
            "1 days",
            "6 month",
            "6months",
            "6  months",
            "P6M",
            "1.5 years",
        ] {
            assert!(parse_span(bad).is_none(), "{bad}");
        }
        assert!(parse_span("99999999 years").is_none());
    }

    #[test]
    fn a_misspelt_duration_finds_its_unit() {
        assert_eq!(suggest_span("6 month").as_deref(), Some("6 months"));
        assert_eq!(suggest_span("1 dyas").as_deref(), Some("1 day"));
        assert_eq!(suggest_span("soon"), None);
    }

    #[test]
    fn ever_longer_looks_at_every_month() {
        let span = |text| parse_span(text).unwrap();
        assert!(ever_longer(&span("1 month"), &span("30 days")));
        assert!(ever_longer(&span("30 days"), &span("1 month")), "in February");
        assert!(ever_longer(&span("366 days"), &span("1 year")));
        assert!(ever_longer(&span("1 year"), &span("365 days")), "in a leap year");
        assert!(!ever_longer(&span("28 days"), &span("1 month")));
        assert!(!ever_longer(&span("12 months"), &span("1 year")));
        assert!(ever_longer(&span("19000 years"), &span("1 day")));
    }

    #[test]
    fn longer_compares_across_units() {
        let span = |text| parse_span(text).unwrap();
        assert!(longer(&span("1 month"), &span("30 days")));
        assert!(!longer(&span("24 hours"), &span("1 day")));
        assert!(longer(&span("19000 years"), &span("1 day")));
    }
}
