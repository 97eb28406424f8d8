//! The present moment, for the demo.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use medrec_domain::CalendarDate;

/// A day in seconds.
const DAY_S: u64 = 86_400;

/// Now, in seconds since 1970.
pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The present day.
pub(super) fn today() -> anyhow::Result<CalendarDate> {
    let days = i32::try_from(now_s() / DAY_S)?;
    CalendarDate::from_days(days).context("the clock stands beyond the calendar")
}

/// The present year.
pub(super) fn this_year() -> anyhow::Result<i32> {
    let today = today()?.to_string();
    today.get(..4).and_then(|year| year.parse().ok()).context("the clock stands beyond the calendar")
}
