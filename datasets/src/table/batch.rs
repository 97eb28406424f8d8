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
use medrec_domain::schema::{ColumnKind, ColumnSpec, Table};

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
    /// One for each column of the table; `None` where it was not asked for.
    columns: Vec<Option<Column>>,
}

impl Column {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Pseudonym => Self::Pseudonym(UInt64Builder::new()),
            ColumnKind::Word => Self::Word(StringDictionaryBuilder::new()),
            ColumnKind::Year => Self::Year(Int16Builder::new()),
            ColumnKind::Date => Self::Date(Date32Builder::new()),
            ColumnKind::Number => Self::Number(Float64Builder::new()),
            ColumnKind::Flag => Self::Flag(BooleanBuilder::new()),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Pseudonym(mut builder) => Arc::new(builder.finish()),
            Self::Word(mut builder) => Arc::new(builder.finish()),
            Self::Year(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder) => Arc::new(builder.finish()),
            Self::Number(mut builder) => Arc::new(builder.finish()),
            Self::Flag(mut builder) => Arc::new(builder.finish()),
        }
    }
}

impl Batch {
    /// All columns of a table.
    pub(crate) fn new(table: Table) -> Self {
        let columns = table.columns().iter().map(|column| Some(Column::new(column.kind))).collect();
        Self { table, rows: 0, columns }
    }

    /// Some columns of a table.
    pub(crate) fn of(table: Table, wanted: &[&ColumnSpec]) -> Self {
        let columns = table
            .columns()
            .iter()
            .map(|column| wanted.iter().any(|own| own.name == column.name).then(|| Column::new(column.kind)))
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
        self.push_cells(row.cells().as_ref());
    }

    /// Adds a row by its cells, one for each column of the table in their order.
    pub(crate) fn push_cells(&mut self, cells: &[Cell<'_>]) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            let Some(column) = column else { continue };
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
        let present = self.columns.iter().enumerate().filter(|(_, column)| column.is_some());
        let indices: Vec<usize> = present.map(|(index, _)| index).collect();
        let arrays: Vec<ArrayRef> = self.columns.into_iter().flatten().map(Column::finish).collect();
        super::schema(self.table)
            .project(&indices)
            .and_then(|schema| RecordBatch::try_new(Arc::new(schema), arrays))
            .map_err(|error| DatasetError::Batch { table: self.table.name(), problem: error.to_string() })
    }
}
