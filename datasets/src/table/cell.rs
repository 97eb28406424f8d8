//! One value on its way from a row to a column.

use medrec_domain::CalendarDate;

/// A value of one column, borrowed from the row that is being read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Pseudonym(Option<u64>),
    Word(Option<&'a str>),
    Year(Option<i16>),
    Date(Option<CalendarDate>),
    Number(Option<f64>),
    Flag(bool),
}
