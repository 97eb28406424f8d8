//! `croissant.json`: Croissant 1.1, the machine-learning community's description of datasets.

use medrec_domain::workload::TableQuery;
use serde_json::{Value, json};

use super::data_package::{bytes_of, sha256};
use super::files::{Files, table_path};
use super::names::{FIGURE_COLUMNS, dimension_columns};
use super::release::Release;
use super::{json, wording};
use crate::error::AnonymizerError;

/// The bytes of the file.
///
/// # Errors
/// [`AnonymizerError::Bundle`] when a table's file is missing.
pub(super) fn croissant(release: &Release, tables: &Files) -> Result<Vec<u8>, AnonymizerError> {
    let manifest = &release.manifest;
    let mut files = Vec::new();
    for table in &release.tables {
        for (kind, format) in [("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")] {
            let path = table_path(&table.query.name, kind);
            let bytes = bytes_of(tables, &path)?;
            files.push(json!({
                "@type": "cr:FileObject",
                "@id": path,
                "name": path,
                "contentUrl": path,
                "contentSize": format!("{} B", bytes.len()),
                "encodingFormat": format,
                "sha256": sha256(bytes),
            }));
        }
    }
    let publisher = wording::publisher(&manifest.occasion);
    let document = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": wording::slug(release),
        "description": wording::description(release),
        "url": format!("urn:medrec:query:{}", manifest.query.digest),
        "version": format!("{}.0.0", manifest.query.version),
        "datePublished": manifest.window_until.to_string(),
        "license": manifest.license.url,
        "creator": { "@type": "sc:Organization", "name": publisher, "url": format!("urn:medrec:query:{}", manifest.query.digest) },
        "citeAs": format!("{publisher}: {}, {} to {}.", manifest.title, manifest.window_from, manifest.window_until),
        "distribution": files,
        "recordSet": release.tables.iter().map(|table| record_set(&table.query)).collect::<Vec<_>>(),
    });
    Ok(json::pretty(&document))
}

fn record_set(query: &TableQuery) -> Value {
    let name = &query.name;
    let field = |column: &str, meaning: &str, kind: &str| {
        json!({
            "@type": "cr:Field",
            "@id": format!("{name}/{column}"),
            "name": column,
            "description": meaning,
            "dataType": kind,
            "source": { "fileObject": { "@id": table_path(name, "csv") }, "extract": { "column": column } },
        })
    };
    let dimensions = dimension_columns(query)
        .into_iter()
        .map(|column| field(&column, "Label of the cell; all where the level sums over it.", "sc:Text"));
    let fixed = FIGURE_COLUMNS.iter().map(|(column, meaning)| {
        let kind = match *column {
            "estimate" | "standard_error" | "lower_95" | "upper_95" => "sc:Float",
            "withheld" => "sc:Boolean",
            _ => "sc:Text",
        };
        field(column, meaning, kind)
    });
    json!({
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": wording::table(query),
        "field": dimensions.chain(fixed).collect::<Vec<_>>(),
    })
}

/// The JSON-LD context that the specification prescribes word for word.
fn context() -> Value {
    json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "containedIn": "cr:containedIn",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "data": { "@id": "cr:data", "@type": "@json" },
        "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "dct": "http://purl.org/dc/terms/",
        "equivalentProperty": "cr:equivalentProperty",
        "examples": { "@id": "cr:examples", "@type": "@json" },
        "extract": "cr:extract",
        "field": "cr:field",
        "fileProperty": "cr:fileProperty",
        "fileObject": "cr:fileObject",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "parentField": "cr:parentField",
        "path": "cr:path",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "samplingRate": "cr:samplingRate",
        "sc": "https://schema.org/",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform",
    })
}
