//! Moments as the database keeps them: milliseconds since 1970 UTC.

use jiff::Timestamp;

use crate::error::KeeperError;

/// The moment as a number for a column.
pub fn to_millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The moment that a column holds.
///
/// # Errors
/// The column holds a number outside the range of years that calendars know.
pub fn from_millis(millis: i64) -> Result<Timestamp, KeeperError> {
    Timestamp::from_millisecond(millis).map_err(|_| KeeperError::Malformed("a moment out of range"))
}

/// The day of a moment, in UTC, the calendar that the clocks use.
pub fn day(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// A date as pages and mails write it: `31 July 2027`.
pub fn long_date(at: Timestamp) -> String {
    day(at).strftime("%-d %B %Y").to_string()
}
