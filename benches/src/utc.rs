//! The time of a record, in UTC, without a calendar library: records need one instant as text.
//!
//! Source of the conversion: the proleptic Gregorian calendar counted in 400-year cycles of 146,097
//! days, with years that begin in March so that the leap day comes last.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// A moment in UTC, with a resolution of one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Utc {
    seconds: u64,
}

impl Utc {
    /// The present moment; 1970 when the clock stands before it.
    pub fn now() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { seconds }
    }

    /// The moment this many seconds after 1970-01-01T00:00:00Z.
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self { seconds }
    }

    /// Year, month (1 to 12) and day (1 to 31).
    pub const fn date(self) -> (u64, u64, u64) {
        // Day 0 of the count is 0000-03-01, 719,468 days before 1970-01-01.
        let days = self.seconds / SECONDS_PER_DAY + 719_468;
        let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
        let year_of_cycle =
            (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
        let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = cycle * 400 + year_of_cycle + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }

    /// `2026-11-21T02:24:08Z`.
    pub fn to_rfc3339(self) -> String {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.clock();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// `2026-11-21`.
    pub fn to_date(self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `2026-11-21T022408Z`: a file name that no system objects to.
    pub fn to_file_stem(self) -> String {
        let (hour, minute, second) = self.clock();
        format!("{}T{hour:02}{minute:02}{second:02}Z", self.to_date())
    }

    const fn clock(self) -> (u64, u64, u64) {
        let rest = self.seconds % SECONDS_PER_DAY;
        (rest / 3_600, rest / 60 % 60, rest % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_as_the_calendar_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_438_269_973, "2015-07-30T15:26:13Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc::from_unix_seconds(seconds).to_rfc3339(), text);
        }
    }

    #[test]
    fn file_stems_hold_no_colon() {
        assert_eq!(Utc::from_unix_seconds(1_438_269_973).to_file_stem(), "2015-07-30T152613Z");
    }
}
