//! Rows to columns.
//!
//! A batch takes rows of one table and becomes an Arrow record batch. Words are dictionary encoded
//! as they come, so a million equal codes cost four bytes each.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Float64Builder, Int16Builder, StringDictionaryBuilder, UInt64Builder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use medrec_domain::CalendarDate;
use medrec_domain::schema::{ColumnKind, Table};

use super::cell::Cell;
use super::row::Row;
use crate::error::DatasetError;

enum Column {
    Pseudonym(UInt64Builder),
    Word(StringDictionaryBuilder<Int32Type>),
    Year(Int16Builder),
    Date(Date32Builder),
    Number(Float64Builder),
    Flag(BooleanBuilder),
}

/// Rows of one table, column by column.
pub(crate) struct Batch {
    table: Table,
    rows: usize,
    columns: Vec<Column>,
}

impl Batch {
    pub(crate) fn new(table: Table) -> Self {
        let columns = table
            .columns()
            .iter()
            .map(|column| match column.kind {
                ColumnKind::Pseudonym => Column::Pseudonym(UInt64Builder::new()),
                ColumnKind::Word => Column::Word(StringDictionaryBuilder::new()),
                ColumnKind::Year => Column::Year(Int16Builder::new()),
                ColumnKind::Date => Column::Date(Date32Builder::new()),
                ColumnKind::Number => Column::Number(Float64Builder::new()),
                ColumnKind::Flag => Column::Flag(BooleanBuilder::new()),
            })
            .collect();
        Self { table, rows: 0, columns }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row. The row's type fixes its cells, so kinds match by construction; a cell of another kind
    /// would leave its column short, which [`Self::finish`] reports.
    pub(crate) fn push<'a, R: Row<'a>>(&mut self, row: &R) {
        debug_assert_eq!(R::TABLE, self.table);
        let cells = row.cells();
        for (column, cell) in self.columns.iter_mut().zip(cells.as_ref()) {
            match (column, *cell) {
                (Column::Pseudonym(builder), Cell::Pseudonym(value)) => builder.append_option(value),
                (Column::Word(builder), Cell::Word(value)) => builder.append_option(value),
                (Column::Year(builder), Cell::Year(value)) => builder.append_option(value),
                (Column::Date(builder), Cell::Date(value)) => {
                    builder.append_option(value.map(CalendarDate::days));
                }
                (Column::Number(builder), Cell::Number(value)) => builder.append_option(value),
                (Column::Flag(builder), Cell::Flag(value)) => builder.append_value(value),
                _ => {}
            }
        }
        self.rows += 1;
    }

    /// The record batch, or the reason why the rows make none.
    pub(crate) fn finish(self) -> Result<RecordBatch, DatasetError> {
        let arrays: Vec<ArrayRef> = self
            .columns
            .into_iter()
            .map(|column| -> ArrayRef {
                match column {
                    Column::Pseudonym(mut builder) => Arc::new(builder.finish()),
                    Column::Word(mut builder) => Arc::new(builder.finish()),
                    Column::Year(mut builder) => Arc::new(builder.finish()),
                    Column::Date(mut builder) => Arc::new(builder.finish()),
                    Column::Number(mut builder) => Arc::new(builder.finish()),
                    Column::Flag(mut builder) => Arc::new(builder.finish()),
                }
            })
            .collect();
        RecordBatch::try_new(super::schema(self.table), arrays)
            .map_err(|error| DatasetError::Batch { table: self.table.name(), problem: error.to_string() })
    }
}
