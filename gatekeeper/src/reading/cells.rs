//! Cells of a batch as JSON.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type, Int16Type, Int32Type, UInt64Type};
use arrow_array::{Array as _, ArrayRef, DictionaryArray, RecordBatch, StringArray};
use medrec_domain::CalendarDate;
use serde_json::Value;

use super::mask::Code;

/// Words of a dictionary.
#[derive(Clone, Copy)]
struct Words<'a> {
    keys: &'a DictionaryArray<Int32Type>,
    words: &'a StringArray,
}

impl<'a> Words<'a> {
    fn of(column: &'a ArrayRef) -> Option<Self> {
        let keys = column.as_dictionary_opt::<Int32Type>()?;
        Some(Self { keys, words: keys.values().as_string_opt()? })
    }

    fn get(self, row: usize) -> Option<&'a str> {
        let key = self.keys.key(row).filter(|_| self.keys.is_valid(row))?;
        (key < self.words.len() && self.words.is_valid(key)).then(|| self.words.value(key))
    }
}

/// The codes of a batch's rows, if it has them.
pub(super) struct Codes<'a>(Option<(Words<'a>, Words<'a>)>);

impl<'a> Codes<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Self {
        let words = |name| batch.column_by_name(name).and_then(Words::of);
        Self(words("code_system").zip(words("code")))
    }

    /// The code of a row, if it has one.
    pub(super) fn get(&self, row: usize) -> Code<'a> {
        let (systems, codes) = self.0?;
        systems.get(row).zip(codes.get(row))
    }
}

/// A cell; null where the record lacks it.
pub(super) fn value(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    if let Some(words) = Words::of(column) {
        return words.get(row).map_or(Value::Null, Value::from);
    }
    if let Some(days) = column.as_primitive_opt::<Date32Type>() {
        let day = CalendarDate::from_days(days.value(row));
        return day.map_or(Value::Null, |day| Value::from(day.to_string()));
    }
    if let Some(pseudonyms) = column.as_primitive_opt::<UInt64Type>() {
        // As text: numbers of JSON end at 2^53.
        return Value::from(format!("{:016x}", pseudonyms.value(row)));
    }
    if let Some(years) = column.as_primitive_opt::<Int16Type>() {
        return Value::from(years.value(row));
    }
    if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
        return Value::from(numbers.value(row));
    }
    column.as_boolean_opt().map_or(Value::Null, |flags| Value::from(flags.value(row)))
}

/// Every row of a batch, whole: for digests, not for anybody's eyes.
pub(super) fn rows_of(batch: &RecordBatch) -> Vec<Vec<Value>> {
    let row = |row| batch.columns().iter().map(|column| value(column, row)).collect();
    (0..batch.num_rows()).map(row).collect()
}
