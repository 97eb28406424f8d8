//! How records are read, and how long work reports itself.

use medrec_domain::CalendarDate;

use crate::pseudonym::PseudonymKey;

/// What to do with a broken row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBadRow {
    /// Stop with an error that names it.
    #[default]
    Fail,
    /// Leave it out, count it, and go on.
    Skip,
}

/// How records are read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Key of the pseudonyms. Whoever has it can link rows to the source's ids.
    pub key: PseudonymKey,
    /// Reference date: ages are taken in its year. Usually the end of the release's window.
    pub as_of: CalendarDate,
    /// What to do with a broken row.
    pub on_bad_row: OnBadRow,
    /// Whether the birth years of persons aged 90 or over are moved to the year that makes them 90
    /// (45 CFR 164.514(b)(2)(i)(C)). Off only for checks against exact figures.
    pub top_code_ages: bool,
    /// For sources without organisations: how many sites persons are spread over, by a keyed hash of
    /// their id. 0 leaves rows without an organisation as they are.
    pub synthetic_sites: u32,
}

impl ReadOptions {
    /// Options with a key and a reference date, and the safe default for everything else.
    pub const fn new(key: PseudonymKey, as_of: CalendarDate) -> Self {
        Self { key, as_of, on_bad_row: OnBadRow::Fail, top_code_ages: true, synthetic_sites: 0 }
    }
}

/// Days of which rows are asked for. Rows of tables without a date are always among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Days {
    /// First day; `None` for no limit.
    pub from: Option<CalendarDate>,
    /// Day after the last; `None` for no limit.
    pub until: Option<CalendarDate>,
}

impl Days {
    /// All days.
    pub const ALL: Self = Self { from: None, until: None };

    /// Whether a day is among them.
    pub fn contains(&self, day: CalendarDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day < until)
    }
}

/// Who watches long work. All methods may be called from several threads.
pub trait Progress: Sync {
    /// A stage begins: `total` units if known (bytes of input, or patients).
    fn stage(&self, name: &str, total: Option<u64>);
    /// Units of the stage are done.
    fn advance(&self, units: u64);
    /// Whether the work should stop.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// Nobody watches.
impl Progress for () {
    fn stage(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}
