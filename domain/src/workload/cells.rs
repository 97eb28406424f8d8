//! The cells of a table: which exist, in which order, and which one a date or an age falls into.
//!
//! Everything here comes from the workload, the public list of organisations and the window. No
//! record takes part, so the shape of a release tells nothing about anybody.

use serde::{Deserialize, Serialize};

use super::model::{CalendarUnit, Dimension, Level, Period};
use crate::date::CalendarDate;

/// Label of the cell that takes what no declared cell takes.
pub const OTHER: &str = "other";
/// Label of the cell that takes rows whose value is missing, where missing is not `other`.
pub const UNKNOWN: &str = "unknown";

/// An organisation of the public list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicOrganisation {
    /// The id that the rows carry.
    pub id: String,
    /// Country.
    pub nation: Option<String>,
    /// Division of it.
    pub region: Option<String>,
}

impl PublicOrganisation {
    /// The organisation's own label at a level of the hierarchy.
    pub fn label(&self, level: Level) -> &str {
        let label = match level {
            Level::Organisation => Some(&self.id),
            Level::Region => self.region.as_ref(),
            Level::Nation => self.nation.as_ref(),
        };
        label.map_or(UNKNOWN, String::as_str)
    }
}

/// Days that count: from the first (inclusive) until the last (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First day.
    pub from: CalendarDate,
    /// First day after the last.
    pub until: CalendarDate,
}

impl Window {
    /// Whether a day lies in the window.
    pub fn contains(&self, date: CalendarDate) -> bool {
        (self.from..self.until).contains(&date)
    }
}

impl Period {
    /// The days that count, given the release's window. Days before the calendar begins are cut off.
    pub fn within(self, window: Window) -> Window {
        match self {
            Self::Window => window,
            Self::Between { from, until } => Window { from, until },
            Self::LastDays(days) => {
                let back = i32::try_from(days).unwrap_or(i32::MAX);
                Window { from: window.until.plus_days(-back).unwrap_or(window.from), until: window.until }
            }
        }
    }
}

impl CalendarUnit {
    /// First day of the step that holds `date`.
    pub fn start(self, date: CalendarDate) -> CalendarDate {
        let (year, month, _) = date.year_month_day();
        let first_month = match self {
            Self::Week => return date.monday(),
            Self::Month => month,
            Self::Quarter => (month - 1) / 3 * 3 + 1,
            Self::Year => 1,
        };
        CalendarDate::from_year_month_day(year, first_month, 1).unwrap_or(date)
    }

    /// Label of the step that holds `date`: `2026-11`, `2026-Q4`, `2026`, or the Monday `2026-11-16`.
    pub fn label(self, date: CalendarDate) -> String {
        let (year, month, _) = date.year_month_day();
        match self {
            Self::Week => date.monday().to_string(),
            Self::Month => format!("{year:04}-{month:02}"),
            Self::Quarter => format!("{year:04}-Q{}", (month - 1) / 3 + 1),
            Self::Year => format!("{year:04}"),
        }
    }

    /// Labels of all steps that the window touches, in order.
    pub fn labels(self, window: Window) -> Vec<String> {
        let mut labels = Vec::new();
        let mut day = self.start(window.from);
        while day < window.until {
            labels.push(self.label(day));
            // 35 days lead from the first day of a month into the next, 100 of a quarter, 370 of a year.
            let stride = match self {
                Self::Week => 7,
                Self::Month => 35,
                Self::Quarter => 100,
                Self::Year => 370,
            };
            match day.plus_days(stride) {
                Some(later) => day = self.start(later),
                None => break,
            }
        }
        labels
    }
}

/// Label of an age band: `0-4`, `90+`.
fn band_label(bounds: &[u8], index: usize) -> String {
    match bounds.get(index + 1) {
        Some(next) => format!("{}-{}", bounds[index], next - 1),
        None => format!("{}+", bounds[index]),
    }
}

/// Index of the band that holds an age in years; ages below 0 (a birth after the window) fall into the first.
pub fn band_of(bounds: &[u8], age_years: i32) -> usize {
    bounds.iter().rposition(|&lower| i32::from(lower) <= age_years).unwrap_or(0)
}

impl Dimension {
    /// Labels of the dimension's cells, in output order. `period` is the table's period in the window.
    pub fn labels(&self, organisations: &[PublicOrganisation], period: Window) -> Vec<String> {
        match self {
            Self::Level(level) => {
                let mut labels: Vec<_> =
                    organisations.iter().map(|organisation| organisation.label(*level).to_owned()).collect();
                labels.sort_unstable();
                labels.dedup();
                with_last(labels, UNKNOWN)
            }
            Self::Values { values, .. } => with_last(values.clone(), OTHER),
            Self::ValueSets { ids, .. } => with_last(ids.clone(), OTHER),
            Self::AgeBands(bounds) => {
                with_last((0..bounds.len()).map(|index| band_label(bounds, index)).collect(), UNKNOWN)
            }
            Self::Calendar(unit) => unit.labels(period),
        }
    }
}

fn with_last(mut labels: Vec<String>, last: &str) -> Vec<String> {
    labels.retain(|label| label != last);
    labels.push(last.to_owned());
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> CalendarDate {
        text.parse().unwrap()
    }

    #[test]
    fn calendars_cover_the_window_without_gap_or_repeat() {
        let window = Window { from: day("2019-11-15"), until: day("2021-02-02") };
        let months = CalendarUnit::Month.labels(window);
        assert_eq!(months.len(), 16);
        assert_eq!((months[0].as_str(), months[15].as_str()), ("2019-11", "2021-02"));
        assert_eq!(
            CalendarUnit::Quarter.labels(window),
            ["2019-Q4", "2020-Q1", "2020-Q2", "2020-Q3", "2020-Q4", "2021-Q1"]
        );
        assert_eq!(CalendarUnit::Year.labels(window), ["2019", "2020", "2021"]);
        for unit in [CalendarUnit::Week, CalendarUnit::Month, CalendarUnit::Quarter, CalendarUnit::Year] {
            let labels = unit.labels(window);
            let mut by_day = Vec::new();
            let mut date = window.from;
            while date < window.until {
                by_day.push(unit.label(date));
                date = date.plus_days(1).unwrap();
            }
            by_day.dedup();
            assert_eq!(labels, by_day);
        }
    }

    #[test]
    fn ages_fall_into_the_band_that_holds_them() {
        let bounds = [0, 18, 65, 90];
        let labels = Dimension::AgeBands(bounds.to_vec())
            .labels(&[], Window { from: day("2020-01-01"), until: day("2021-01-01") });
        assert_eq!(labels, ["0-17", "18-64", "65-89", "90+", "unknown"]);
        for (age, band) in [(-1, 0), (0, 0), (17, 0), (18, 1), (64, 1), (65, 2), (89, 2), (90, 3), (130, 3)] {
            assert_eq!(band_of(&bounds, age), band, "age {age}");
        }
    }

    #[test]
    fn the_last_week_is_seven_days() {
        let window = Window { from: day("2020-01-01"), until: day("2021-01-01") };
        let week = Period::LastDays(7).within(window);
        assert_eq!((week.from, week.until), (day("2020-12-25"), day("2021-01-01")));
        assert!(week.contains(day("2020-12-31")) && !week.contains(day("2021-01-01")));
    }

    #[test]
    fn organisations_without_a_region_have_a_cell() {
        let organisation = |id: &str, region: Option<&str>| PublicOrganisation {
            id: id.into(),
            nation: Some("US".into()),
            region: region.map(Into::into),
        };
        let list = [organisation("b", Some("MA")), organisation("a", None), organisation("c", Some("MA"))];
        let window = Window { from: day("2020-01-01"), until: day("2021-01-01") };
        assert_eq!(Dimension::Level(Level::Region).labels(&list, window), ["MA", "unknown"]);
        assert_eq!(Dimension::Level(Level::Organisation).labels(&list, window), ["a", "b", "c", "unknown"]);
    }
}
