//! Rows as bytes: how the index keeps them.
//!
//! Cells in the order of the table's columns, numbers little-endian, words with their length in front.
//! Every row stands for itself, so a person's rows are read without anything else of the file.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int16Type, Int32Type, UInt64Type};
use arrow_array::{
    Array, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int16Array, RecordBatch, StringArray,
    UInt64Array,
};
use medrec_domain::CalendarDate;
use medrec_domain::schema::{ColumnKind, Table};

use crate::error::DatasetError;
use crate::table::cell::Cell;

/// Columns of the widest table.
pub(super) const MOST_COLUMNS: usize = 11;
const NO_WORD: u16 = u16::MAX;
const NO_DATE: i32 = i32::MIN;
const NO_YEAR: i16 = i16::MIN;

/// A column of a batch, with its type known.
enum View<'b> {
    Pseudonym(&'b UInt64Array),
    Word(&'b DictionaryArray<Int32Type>, &'b StringArray),
    Year(&'b Int16Array),
    Date(&'b Date32Array),
    Number(&'b Float64Array),
    Flag(&'b BooleanArray),
}

/// A batch of a table whose rows are to be encoded.
pub(super) struct Rows<'b> {
    table: Table,
    columns: Vec<View<'b>>,
    persons: &'b UInt64Array,
}

impl<'b> Rows<'b> {
    /// Looks at a batch; `None` for a table without persons.
    pub(super) fn of(table: Table, batch: &'b RecordBatch) -> Option<Self> {
        let persons = batch.column_by_name("person_id")?.as_primitive_opt::<UInt64Type>()?;
        let view = |(spec, column): (&medrec_domain::schema::ColumnSpec, &'b arrow_array::ArrayRef)| {
            Some(match spec.kind {
                ColumnKind::Pseudonym => View::Pseudonym(column.as_primitive_opt()?),
                ColumnKind::Word => {
                    let words = column.as_dictionary_opt::<Int32Type>()?;
                    View::Word(words, words.values().as_string_opt()?)
                }
                ColumnKind::Year => View::Year(column.as_primitive_opt::<Int16Type>()?),
                ColumnKind::Date => View::Date(column.as_primitive_opt::<Date32Type>()?),
                ColumnKind::Number => View::Number(column.as_primitive_opt::<Float64Type>()?),
                ColumnKind::Flag => View::Flag(column.as_boolean_opt()?),
            })
        };
        let columns = table.columns().iter().zip(batch.columns()).map(view).collect::<Option<_>>()?;
        Some(Self { table, columns, persons })
    }

    pub(super) fn person(&self, row: usize) -> u64 {
        self.persons.value(row)
    }

    /// Appends a row to `out`.
    pub(super) fn encode(&self, row: usize, out: &mut Vec<u8>) -> Result<(), DatasetError> {
        for column in &self.columns {
            match column {
                View::Pseudonym(array) => {
                    out.push(u8::from(array.is_valid(row)));
                    out.extend(array.value(row).to_le_bytes());
                }
                View::Word(array, values) => match array.key(row) {
                    None => out.extend(NO_WORD.to_le_bytes()),
                    Some(key) => self.word(values.value(key), out)?,
                },
                View::Year(array) => {
                    let year = if array.is_valid(row) { array.value(row) } else { NO_YEAR };
                    out.extend(year.to_le_bytes());
                }
                View::Date(array) => {
                    let day = if array.is_valid(row) { array.value(row) } else { NO_DATE };
                    out.extend(day.to_le_bytes());
                }
                View::Number(array) => {
                    out.push(u8::from(array.is_valid(row)));
                    out.extend(array.value(row).to_le_bytes());
                }
                View::Flag(array) => out.push(u8::from(array.value(row))),
            }
        }
        Ok(())
    }

    fn word(&self, word: &str, out: &mut Vec<u8>) -> Result<(), DatasetError> {
        let length = u16::try_from(word.len()).ok().filter(|length| *length != NO_WORD);
        let too_long =
            || DatasetError::Batch { table: self.table.name(), problem: "a word is too long".into() };
        out.extend(length.ok_or_else(too_long)?.to_le_bytes());
        out.extend(word.as_bytes());
        Ok(())
    }
}

/// Bytes that are read from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn cell(&mut self, kind: ColumnKind) -> Option<Cell<'a>> {
        Some(match kind {
            ColumnKind::Pseudonym => {
                let [valid] = self.array()?;
                let value = u64::from_le_bytes(self.array()?);
                Cell::Pseudonym((valid == 1).then_some(value))
            }
            ColumnKind::Word => match u16::from_le_bytes(self.array()?) {
                NO_WORD => Cell::Word(None),
                length => Cell::Word(Some(std::str::from_utf8(self.take(usize::from(length))?).ok()?)),
            },
            ColumnKind::Year => {
                Cell::Year(Some(i16::from_le_bytes(self.array()?)).filter(|year| *year != NO_YEAR))
            }
            ColumnKind::Date => match i32::from_le_bytes(self.array()?) {
                NO_DATE => Cell::Date(None),
                day => Cell::Date(Some(CalendarDate::from_days(day)?)),
            },
            ColumnKind::Number => {
                let [valid] = self.array()?;
                let value = f64::from_le_bytes(self.array()?);
                Cell::Number((valid == 1).then_some(value))
            }
            ColumnKind::Flag => {
                let [flag] = self.array()?;
                Cell::Flag(flag == 1)
            }
        })
    }
}

/// Runs `visit` over the cells of the rows in `bytes`; `None` when the bytes are no rows of the table.
pub(super) fn each_row<'a>(table: Table, bytes: &'a [u8], mut visit: impl FnMut(&[Cell<'a>])) -> Option<()> {
    let mut reader = Reader(bytes);
    let mut cells = [Cell::Flag(false); MOST_COLUMNS];
    let columns = table.columns();
    while !reader.0.is_empty() {
        for (cell, column) in cells.iter_mut().zip(columns) {
            *cell = reader.cell(column.kind)?;
        }
        visit(cells.get(..columns.len())?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_fits_a_row_of_cells() {
        assert_eq!(Table::ALL.map(|table| table.columns().len()).iter().max(), Some(&MOST_COLUMNS));
    }
}
