//! Tables as Parquet, with what a reader has to know in the file's own key-value metadata.
//!
//! There is no agreed vocabulary for privacy parameters, so the keys are ours, start with `medrec.`, and
//! hold canonical JSON or plain text. The same columns and parameters give the same bytes.
//!
//! The crate `parquet` is held at version 59: from 60 on it states an order for columns of floats (`IEEE_754_TOTAL_ORDER`)
//! that polars up to 1.36, among others, refuses the whole file for, and offers no way not to.

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use bytes::Bytes;
use medrec_domain::manifest::{Manifest, Occasion};
use medrec_domain::{DomainError, canonical};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::error::AnonymizerError;

/// Rows of a row group: the smallest tables have one, the largest are still read in parts.
const ROW_GROUP_ROWS: usize = 1 << 20;

/// The key-value metadata of a table: loss, mechanisms, bounds, occasion, query.
///
/// # Errors
/// None in practice: all of it has a canonical encoding.
pub(super) fn metadata(manifest: &Manifest, table: usize) -> Result<Vec<(String, String)>, AnonymizerError> {
    let released = manifest.tables.get(table);
    let released = released.ok_or_else(|| AnonymizerError::bundle("tables", "there is no such table"))?;
    let json =
        |value: Result<Vec<u8>, DomainError>| value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let pairs = [
        ("bounds", json(canonical::encode(&released.query))?),
        ("epsilon", json(canonical::encode(&manifest.privacy.epsilon))?),
        ("license", manifest.license.name.clone()),
        ("neighbouring", manifest.privacy.neighbouring.clone()),
        ("noise", json(canonical::encode(&released.noise))?),
        ("occasion", json(occasion(&manifest.occasion))?),
        ("query_digest", manifest.query.digest.to_string()),
        ("query_name", manifest.query.name.clone()),
        ("rho_release", manifest.privacy.rho.to_string()),
        ("rho_table", released.noise.iter().map(|noise| &noise.rho).sum::<medrec_domain::Rho>().to_string()),
        ("small_cell_threshold", manifest.query.small_cell_threshold.to_string()),
        ("table", released.query.name.clone()),
        ("unit", manifest.privacy.unit.clone()),
        ("window", format!("{}/{}", manifest.window_from, manifest.window_until)),
    ];
    Ok(pairs.into_iter().map(|(key, value)| (format!("medrec.{key}"), value)).collect())
}

/// The occasion. Of a shard without what is known only when a block has earned it: its tables are finished and
/// committed before.
fn occasion(occasion: &Occasion) -> Result<Vec<u8>, DomainError> {
    match occasion {
        Occasion::CensusShard { provider, epoch, .. } => canonical::encode(
            &serde_json::json!({ "kind": "census-shard", "provider": provider, "epoch": epoch }),
        ),
        other => canonical::encode(other),
    }
}

/// The bytes of a Parquet file.
///
/// # Errors
/// [`AnonymizerError::Bundle`] with the encoder's words.
pub(super) fn parquet(
    place: &str,
    batch: &RecordBatch,
    metadata: Vec<(String, String)>,
) -> Result<Vec<u8>, AnonymizerError> {
    let problem = |error: parquet::errors::ParquetError| AnonymizerError::bundle(place, error);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("medrec".into())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_key_value_metadata(Some(
            metadata.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect(),
        ))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).map_err(problem)?;
    writer.write(batch).map_err(problem)?;
    writer.into_inner().map_err(problem)
}

/// Reads a Parquet file that must have exactly this schema and this metadata, and at most so many rows.
///
/// # Errors
/// What differs, in words.
pub(super) fn read(
    bytes: &[u8],
    schema: &Schema,
    most_rows: usize,
    expected: &[(String, String)],
) -> Result<RecordBatch, String> {
    let words = |error: parquet::errors::ParquetError| error.to_string();
    let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes)).map_err(words)?;
    let file = builder.metadata().file_metadata();
    let rows = usize::try_from(file.num_rows()).unwrap_or(usize::MAX);
    if rows > most_rows {
        return Err(format!("{rows} rows, where at most {most_rows} can be"));
    }
    // Columns as they are stored, whatever the Arrow schema in the metadata says about them.
    if builder.schema().fields() != schema.fields() {
        return Err("other columns than the format's".into());
    }
    let stated = file.key_value_metadata().map_or(&[] as &[KeyValue], Vec::as_slice);
    for (key, value) in expected {
        if !stated.iter().any(|pair| pair.key == *key && pair.value.as_ref() == Some(value)) {
            return Err(format!("metadata {key} is not what the manifest says"));
        }
    }
    let reader = builder.with_batch_size(rows.max(1)).build().map_err(words)?;
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let [batch] = batches.as_slice() else {
        return if rows == 0 {
            Ok(RecordBatch::new_empty(schema.clone().into()))
        } else {
            Err("not one batch".into())
        };
    };
    if batch.num_rows() == rows {
        Ok(batch.clone())
    } else {
        Err(format!("{} rows instead of {rows}", batch.num_rows()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BooleanArray, Float64Array, Int64Array, StringArray};
    use arrow_schema::{DataType, Field};
    use parquet::basic::ColumnOrder;

    use super::*;

    #[test]
    fn every_column_states_the_order_that_every_reader_knows() {
        let columns: [(&str, arrow_array::ArrayRef, DataType); 4] = [
            ("text", Arc::new(StringArray::from(vec!["a", "b"])), DataType::Utf8),
            ("number", Arc::new(Float64Array::from(vec![Some(-0.5), None])), DataType::Float64),
            ("count", Arc::new(Int64Array::from(vec![1, -2])), DataType::Int64),
            ("flag", Arc::new(BooleanArray::from(vec![true, false])), DataType::Boolean),
        ];
        let fields = columns.iter().map(|(name, _, kind)| Field::new(*name, kind.clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let batch = RecordBatch::try_new(schema, columns.map(|(_, values, _)| values).into()).unwrap();
        let bytes = parquet("a table", &batch, Vec::new()).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
        let file = reader.metadata().file_metadata();
        for column in 0..4 {
            let order = file.column_order(column);
            assert!(matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_)), "column {column}: {order:?}");
        }
    }
}
