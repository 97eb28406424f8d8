//! Calendar dates without a time of day or a zone.
//!
//! Records are read by the hundred million, so a date is four bytes: days since 1970-01-01 in the
//! proleptic Gregorian calendar, the same number that Arrow's Date32 holds. There is no clock here:
//! today is something that the caller knows.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::DomainError;

/// A day, as the number of days since 1970-01-01. Years 0001 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDate(i32);

/// Days of 400 years, after which the Gregorian calendar repeats.
const DAYS_OF_400_YEARS: i32 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i32 = 719_468;

impl CalendarDate {
    /// The day of a year (1 to 9999), month (1 to 12) and day of the month; `None` if there is none.
    pub fn from_year_month_day(year: i32, month: u8, day: u8) -> Option<Self> {
        if !(1..=9999).contains(&year) || day == 0 || day > days_of_month(year, month)? {
            return None;
        }
        // Years that start in March put the leap day last, so months have fixed offsets.
        let year_from_march = if month <= 2 { year - 1 } else { year };
        let month_from_march = (i32::from(month) + 9) % 12;
        let (cycle, year_of_cycle) = (year_from_march.div_euclid(400), year_from_march.rem_euclid(400));
        let day_of_year = (153 * month_from_march + 2) / 5 + i32::from(day) - 1;
        let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
        Some(Self(cycle * DAYS_OF_400_YEARS + day_of_cycle - DAYS_TO_1970))
    }

    /// The day that lies `days` days after 1970-01-01; `None` outside the years 0001 to 9999.
    pub fn from_days(days: i32) -> Option<Self> {
        let (first, last) = (-719_162, 2_932_896);
        (first..=last).contains(&days).then_some(Self(days))
    }

    /// Reads the first ten bytes `YYYY-MM-DD`; what follows (a time of day) must start with `T` or a
    /// blank and is not looked at.
    pub fn parse_bytes(text: &[u8]) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        if rest.first().is_some_and(|&separator| separator != b'T' && separator != b' ') {
            return None;
        }
        if date[4] != b'-' || date[7] != b'-' {
            return None;
        }
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_i32, |value, &digit| {
                digit.is_ascii_digit().then(|| value * 10 + i32::from(digit - b'0'))
            })
        };
        let month = u8::try_from(number(&date[5..7])?).ok()?;
        let day = u8::try_from(number(&date[8..10])?).ok()?;
        Self::from_year_month_day(number(&date[..4])?, month, day)
    }

    /// Days since 1970-01-01; negative before it.
    pub fn days(self) -> i32 {
        self.0
    }

    /// Year, month (1 to 12) and day of the month (1 to 31).
    pub fn year_month_day(self) -> (i32, u8, u8) {
        let days = self.0 + DAYS_TO_1970;
        let (cycle, day_of_cycle) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
        let year_of_cycle =
            (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
        let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = cycle * 400 + year_of_cycle + i32::from(month <= 2);
        let small = |value: i32| u8::try_from(value).unwrap_or(u8::MAX);
        (year, small(month), small(day))
    }

    /// The calendar year.
    pub fn year(self) -> i32 {
        self.year_month_day().0
    }

    /// The day `days` days later (earlier if negative); `None` outside the years 0001 to 9999.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Option<Self> {
        Self::from_days(self.0.checked_add(days)?)
    }

    /// The Monday of this day's week (ISO 8601).
    #[must_use]
    pub fn monday(self) -> Self {
        // 1970-01-01 was a Thursday.
        Self(self.0 - (self.0 + 3).rem_euclid(7))
    }
}

fn days_of_month(year: i32, month: u8) -> Option<u8> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.year_month_day();
        write!(out, "{year:04}-{month:02}-{day:02}")
    }
}

/// Exactly `YYYY-MM-DD`.
impl FromStr for CalendarDate {
    type Err = DomainError;
    fn from_str(text: &str) -> Result<Self, DomainError> {
        let date = if text.len() == 10 { Self::parse_bytes(text.as_bytes()) } else { None };
        date.ok_or_else(|| DomainError::text("date", text, "is not a date of the form 2026-11-21"))
    }
}

impl Serialize for CalendarDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CalendarDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_comes_back() {
        let mut expected_year = 1;
        let mut previous = (1, 1, 0);
        for days in -719_162..=2_932_896 {
            let date = CalendarDate::from_days(days).unwrap();
            let (year, month, day) = date.year_month_day();
            assert_eq!(CalendarDate::from_year_month_day(year, month, day), Some(date));
            assert!((year, month, day) > previous, "{date} does not follow its predecessor");
            previous = (year, month, day);
            expected_year = expected_year.max(year);
        }
        assert_eq!((expected_year, previous), (9999, (9999, 12, 31)));
    }

    #[test]
    fn known_days_have_their_numbers() {
        for (text, days) in
            [("1970-01-01", 0), ("2000-02-29", 11_016), ("1969-12-31", -1), ("2026-11-21", 20_778)]
        {
            let date: CalendarDate = text.parse().unwrap();
            assert_eq!(date.days(), days);
            assert_eq!(date.to_string(), text);
        }
        assert_eq!("2026-11-21".parse::<CalendarDate>().unwrap().monday().to_string(), "2026-11-16");
        assert_eq!("1969-12-28".parse::<CalendarDate>().unwrap().monday().to_string(), "1969-12-22");
    }

    #[test]
    fn days_that_never_were_are_refused() {
        for text in
            ["2001-02-29", "1900-02-29", "2020-13-01", "2020-00-10", "2020-04-31", "19-13-01", "2020-1-01"]
        {
            assert!(text.parse::<CalendarDate>().is_err(), "{text} was accepted");
        }
        assert!(CalendarDate::parse_bytes(b"2014-05-08T01:19:51Z").is_some());
        assert!(CalendarDate::parse_bytes(b"2014-05-08x").is_none());
    }
}
