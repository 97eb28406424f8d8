//! `datapackage.json`: Data Package v2, with a schema for each table.

use medrec_domain::workload::TableQuery;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::files::{Files, table_path};
use super::names::{FIGURE_COLUMNS, RAW_COLUMNS, dimension_columns};
use super::release::Release;
use super::{json, wording};
use crate::error::AnonymizerError;

/// SHA-256 in hexadecimal digits, which these descriptors ask for. The bundle's own digests are Keccak-256.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Bytes of a table's file.
pub(super) fn bytes_of<'a>(tables: &'a Files, path: &str) -> Result<&'a [u8], AnonymizerError> {
    tables.get(path).map(Vec::as_slice).ok_or_else(|| AnonymizerError::bundle(path, "is missing"))
}

/// The bytes of the file.
///
/// # Errors
/// [`AnonymizerError::Bundle`] when a table's file is missing.
pub(super) fn data_package(release: &Release, tables: &Files) -> Result<Vec<u8>, AnonymizerError> {
    let manifest = &release.manifest;
    let mut resources = Vec::new();
    for table in &release.tables {
        for kind in ["csv", "parquet", "raw.csv", "raw.parquet"] {
            resources.push(resource(&table.query, kind, tables)?);
        }
    }
    let package = json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": wording::slug(release),
        "title": manifest.title,
        "description": wording::description(release),
        "version": format!("{}.0.0", manifest.query.version),
        "created": format!("{}T00:00:00Z", manifest.window_until),
        "licenses": [{ "name": manifest.license.name, "path": manifest.license.url }],
        "contributors": [{ "title": wording::publisher(&manifest.occasion), "roles": ["publisher"] }],
        "resources": resources,
    });
    Ok(json::pretty(&package))
}

fn resource(query: &TableQuery, kind: &str, tables: &Files) -> Result<Value, AnonymizerError> {
    let path = table_path(&query.name, kind);
    let bytes = bytes_of(tables, &path)?;
    let is_raw = kind.starts_with("raw");
    let about = if is_raw { "The same cells as noisy integers, as they were drawn. " } else { "" };
    let name = format!("{}{}", query.name, if is_raw { "-raw" } else { "" });
    let mut resource = json!({
        "path": path,
        "description": format!("{about}{}", wording::table(query)),
        "bytes": bytes.len(),
        "hash": format!("sha256:{}", sha256(bytes)),
    });
    let more = if kind.ends_with("parquet") {
        json!({ "name": format!("{name}-parquet"), "format": "parquet", "mediatype": "application/vnd.apache.parquet" })
    } else {
        json!({
            "name": name,
            "type": "table",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "dialect": { "lineTerminator": "\r\n", "quoteChar": "\"", "doubleQuote": true },
            "schema": { "fields": fields(query, is_raw), "missingValues": [""] },
        })
    };
    if let (Value::Object(resource), Value::Object(more)) = (&mut resource, more) {
        resource.extend(more);
    }
    Ok(resource)
}

fn fields(query: &TableQuery, is_raw: bool) -> Vec<Value> {
    let fixed: &[(&str, &str)] = if is_raw { &RAW_COLUMNS } else { &FIGURE_COLUMNS };
    let dimensions = dimension_columns(query).into_iter().zip(&query.dimensions).map(|(column, name)| {
        json!({ "name": column, "type": "string", "description": format!("Label of {name}; all where the level sums over it.") })
    });
    let fixed = fixed.iter().map(|(name, meaning)| {
        let kind = match *name {
            "estimate" | "standard_error" | "lower_95" | "upper_95" => "number",
            "withheld" => "boolean",
            "component" | "value" => "integer",
            _ => "string",
        };
        json!({ "name": name, "type": kind, "description": meaning })
    });
    dimensions.chain(fixed).collect()
}
