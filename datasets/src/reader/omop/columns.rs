//! Files and ids of the model, as all of its tables use them.

use csv::ByteRecord;

use super::super::record::Column;
use super::super::session::Session;
use crate::error::RowProblem;
use crate::input::Input;

/// An optional file, or a note that it is not there.
pub(super) fn find(session: &mut Session<'_>, name: &str) -> Option<Input> {
    let input = Input::find(&session.folder, name);
    if input.is_none() {
        session.missing(name);
    }
    input
}

/// An id without the `.0` of data frames; `None` where it is missing or 0, which the model uses for none.
pub(super) fn id<'r>(column: &Column, record: &'r ByteRecord) -> Result<Option<&'r str>, RowProblem> {
    let Some(text) = column.optional(record)? else { return Ok(None) };
    let text = text.strip_suffix(".0").unwrap_or(text);
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(column.problem(text, "is not an id"));
    }
    Ok(Some(text).filter(|text| *text != "0"))
}

/// As [`id`], for ids that may not be missing.
pub(super) fn required_id<'r>(column: &Column, record: &'r ByteRecord) -> Result<&'r str, RowProblem> {
    id(column, record)?.ok_or_else(|| column.problem("", "is missing"))
}

/// As [`id`], as a number.
pub(super) fn number_id(column: &Column, record: &ByteRecord) -> Result<Option<u64>, RowProblem> {
    let Some(text) = id(column, record)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| column.problem(text, "is not an id"))
}
