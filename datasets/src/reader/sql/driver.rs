//! One way to ask three kinds of databases: every value comes back as text.

use csv::ByteRecord;
use sqlx::{
    AssertSqlSafe, Database, Decode, Encode, Error, Executor, IntoArguments, MySql, Postgres, Row, Sqlite,
    TypeInfo, ValueRef,
};
use std::future::poll_fn;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

use super::super::record::Chunk;
use super::query::IdKind;
use crate::error::DatasetError;

/// Records of a chunk, and the bytes after which it ends earlier.
const RECORDS_PER_CHUNK: usize = 8192;
const BYTES_PER_CHUNK: usize = 4 << 20;

/// A patient's id as the database compares it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Id<'s> {
    Integer(i64),
    Text(&'s str),
}

/// What a kind of database does in its own way.
pub(super) trait Driver: Database {
    /// Appends a field as text; NULL is the empty text.
    fn field(row: &Self::Row, index: usize, record: &mut ByteRecord) -> Result<(), Error>;
    /// How a column with a type of this name is compared with a patient's id.
    fn id_kind(type_name: &str) -> IdKind;
}

impl Driver for Sqlite {
    fn field(row: &Self::Row, index: usize, record: &mut ByteRecord) -> Result<(), Error> {
        let value = row.try_get_raw(index)?;
        let decode = |source| Error::ColumnDecode { index: index.to_string(), source };
        // In SQLite each value has a type of its own, whatever its column was declared as.
        let kind = value.type_info().name().to_owned();
        match kind.as_str() {
            _ if value.is_null() => record.push_field(b""),
            "TEXT" => record.push_field(<&str as Decode<Sqlite>>::decode(value).map_err(decode)?.as_bytes()),
            "INTEGER" => {
                let number = <i64 as Decode<Sqlite>>::decode(value).map_err(decode)?;
                record.push_field(number.to_string().as_bytes());
            }
            "REAL" => {
                let number = <f64 as Decode<Sqlite>>::decode(value).map_err(decode)?;
                record.push_field(number.to_string().as_bytes());
            }
            _ => return Err(decode(format!("a value of type {kind} is no text").into())),
        }
        Ok(())
    }

    fn id_kind(type_name: &str) -> IdKind {
        // The column's affinity converts the bound text, so numbers are found by their text as well.
        match type_name {
            "INTEGER" | "INT4" | "TEXT" | "REAL" => IdKind::Text,
            _ => IdKind::Other,
        }
    }
}

impl Driver for Postgres {
    fn field(row: &Self::Row, index: usize, record: &mut ByteRecord) -> Result<(), Error> {
        let text: Option<&str> = row.try_get_unchecked(index)?;
        record.push_field(text.unwrap_or_default().as_bytes());
        Ok(())
    }

    fn id_kind(type_name: &str) -> IdKind {
        match type_name {
            "INT2" | "INT4" | "INT8" => IdKind::Integer,
            "TEXT" | "VARCHAR" => IdKind::Text,
            _ => IdKind::Other,
        }
    }
}

impl Driver for MySql {
    fn field(row: &Self::Row, index: usize, record: &mut ByteRecord) -> Result<(), Error> {
        let text: Option<&str> = row.try_get_unchecked(index)?;
        record.push_field(text.unwrap_or_default().as_bytes());
        Ok(())
    }

    fn id_kind(type_name: &str) -> IdKind {
        match type_name {
            "TINYINT" | "SMALLINT" | "MEDIUMINT" | "INT" | "BIGINT" => IdKind::Integer,
            "CHAR" | "VARCHAR" | "TINYTEXT" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" => IdKind::Text,
            _ => IdKind::Other,
        }
    }
}

fn record<D: Driver>(row: &D::Row) -> Result<ByteRecord, Error> {
    let mut record = ByteRecord::new();
    for index in 0..row.len() {
        D::field(row, index, &mut record)?;
    }
    Ok(record)
}

/// Names of the types of a query's columns. The database checks the query on the way.
pub(super) async fn types<D>(connection: &mut D::Connection, sql: String) -> Result<Vec<String>, Error>
where
    D: Driver,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    use sqlx::{Column as _, SqlSafeStr as _, Statement as _};
    let statement = connection.prepare(AssertSqlSafe(sql).into_sql_str()).await?;
    Ok(statement.columns().iter().map(|column| column.type_info().name().to_owned()).collect())
}

/// The rows of one patient.
pub(super) async fn rows<D>(
    connection: &mut D::Connection,
    sql: &Arc<str>,
    id: Id<'_>,
) -> Result<Vec<ByteRecord>, Error>
where
    D: Driver,
    D::Arguments: IntoArguments<D>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
    for<'q> &'q str: Encode<'q, D> + sqlx::Type<D>,
    for<'q> i64: Encode<'q, D> + sqlx::Type<D>,
{
    // The text was built from checked names alone (`query`); the id is bound.
    let query = sqlx::query::<D>(AssertSqlSafe(Arc::clone(sql)));
    let query = match id {
        Id::Integer(number) => query.bind(number),
        Id::Text(text) => query.bind(text),
    };
    query.fetch_all(connection).await?.iter().map(record::<D>).collect()
}

/// Sends all rows of a query, chunk by chunk; stops when nobody listens any more.
pub(super) async fn send<D>(
    connection: &mut D::Connection,
    sql: String,
    sender: &Sender<Result<Chunk, DatasetError>>,
) -> Result<(), Error>
where
    D: Driver,
    D::Arguments: IntoArguments<D>,
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    let mut rows = sqlx::query::<D>(AssertSqlSafe(sql)).fetch(connection);
    let (mut line, mut bytes, mut records) = (0_u64, 0_usize, Vec::new());
    loop {
        let next = poll_fn(|context| rows.as_mut().poll_next(context)).await.transpose()?;
        let ended = next.is_none();
        if let Some(row) = next {
            let record = record::<D>(&row)?;
            (line, bytes) = (line + 1, bytes + record.as_slice().len());
            records.push((line, record));
        }
        let full = records.len() >= RECORDS_PER_CHUNK || bytes >= BYTES_PER_CHUNK;
        if (full || ended) && !records.is_empty() {
            let chunk = Chunk { records: std::mem::take(&mut records), bytes: bytes.try_into().unwrap_or(0) };
            bytes = 0;
            if sender.send(Ok(chunk)).await.is_err() {
                return Ok(());
            }
        }
        if ended {
            return Ok(());
        }
    }
}
