//! Cells of a batch as JSON.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float64Type, Int16Type, Int32Type, UInt64Type};
use arrow_array::{Array as _, ArrayRef, DictionaryArray, RecordBatch, StringArray};
use medrec_domain::CalendarDate;
use medrec_domain::schema::{ColumnKind, ColumnSpec};
use serde_json::Value;

use super::mask::Code;
use crate::answer::Refused;

/// The columns of a batch with what they hold.
pub(super) struct Cells<'a> {
    columns: Vec<(ColumnKind, &'a ArrayRef)>,
    codes: Option<(Words<'a>, Words<'a>)>,
}

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

impl<'a> Cells<'a> {
    /// The batch has these columns, in this order.
    pub(super) fn new(batch: &'a RecordBatch, specs: &[&'static ColumnSpec]) -> Result<Self, Refused> {
        let found = |name: &str| specs.iter().position(|spec| spec.name == name);
        let mut columns = Vec::with_capacity(specs.len());
        for (place, spec) in specs.iter().enumerate() {
            let column = batch.columns().get(place).filter(|column| has_kind(column, spec.kind));
            let missing = || Refused::internal(format!("records: column {} is of another type", spec.name));
            columns.push((spec.kind, column.ok_or_else(missing)?));
        }
        let words = |name| found(name).and_then(|place| columns.get(place)).and_then(|(_, column)| Words::of(column));
        let codes = words("code_system").zip(words("code"));
        Ok(Self { columns, codes })
    }

    /// The code of a row, if the columns are among those of the batch and the row has one.
    pub(super) fn code(&self, row: usize) -> Code<'a> {
        let (systems, codes) = self.codes?;
        systems.get(row).zip(codes.get(row))
    }

    /// A cell.
    pub(super) fn value(&self, place: usize, row: usize) -> Value {
        let Some((kind, column)) = self.columns.get(place) else { return Value::Null };
        if column.is_null(row) {
            return Value::Null;
        }
        match kind {
            // As text: numbers of JSON end at 2^53.
            ColumnKind::Pseudonym => {
                Value::from(format!("{:016x}", column.as_primitive::<UInt64Type>().value(row)))
            }
            ColumnKind::Word => Words::of(column).and_then(|words| words.get(row)).map_or(Value::Null, Value::from),
            ColumnKind::Year => Value::from(column.as_primitive::<Int16Type>().value(row)),
            ColumnKind::Date => {
                let day = CalendarDate::from_days(column.as_primitive::<Date32Type>().value(row));
                day.map_or(Value::Null, |day| Value::from(day.to_string()))
            }
            ColumnKind::Number => Value::from(column.as_primitive::<Float64Type>().value(row)),
            ColumnKind::Flag => Value::from(column.as_boolean().value(row)),
        }
    }
}

fn has_kind(column: &ArrayRef, kind: ColumnKind) -> bool {
    match kind {
        ColumnKind::Pseudonym => column.as_primitive_opt::<UInt64Type>().is_some(),
        ColumnKind::Word => Words::of(column).is_some(),
        ColumnKind::Year => column.as_primitive_opt::<Int16Type>().is_some(),
        ColumnKind::Date => column.as_primitive_opt::<Date32Type>().is_some(),
        ColumnKind::Number => column.as_primitive_opt::<Float64Type>().is_some(),
        ColumnKind::Flag => column.as_boolean_opt().is_some(),
    }
}
