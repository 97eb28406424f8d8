//! The canonical tables as Arrow batches: schemas, rows, builders.
//!
//! The columns are declared once, in the domain; this file turns that list into Arrow types. Rows
//! are written as small structs (`row`) and collected column by column (`batch`).

pub(crate) mod batch;
pub(crate) mod cell;
pub(crate) mod row;

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use medrec_domain::schema::{ColumnKind, Table};

/// Arrow type of a kind of column.
pub fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Pseudonym => DataType::UInt64,
        ColumnKind::Word => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        ColumnKind::Year => DataType::Int16,
        ColumnKind::Date => DataType::Date32,
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Flag => DataType::Boolean,
    }
}

/// Arrow schema of a canonical table. Each field carries its meaning as metadata `description`.
pub fn schema(table: Table) -> SchemaRef {
    let fields: Vec<Field> = table
        .columns()
        .iter()
        .map(|column| {
            // One pair: the order of several would follow no rule, and equal tables are to be equal bytes.
            let meaning = [("description".to_owned(), column.meaning.to_owned())];
            Field::new(column.name, data_type(column.kind), column.nullable).with_metadata(meaning.into())
        })
        .collect();
    let metadata = [("medrec.table".to_owned(), table.name().to_owned())];
    Arc::new(Schema::new_with_metadata(fields, metadata.into()))
}
