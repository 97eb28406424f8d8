//! Shards of a census: the tables finished once, the bundle around one of them made when a block earns it.
//!
//! [`finish`] writes the files of every table before the root over them is committed; [`render_shard`] puts one table's very
//! files into a bundle for the block that earned it. The files name neither block nor miner, so whoever earns a shard
//! gets the bytes that were committed.

use medrec_domain::Manifest;
use medrec_domain::manifest::{Occasion, ReleasedTable};

use super::files::Files;
use super::release::{BundleInput, Release};
use super::seal::{SHARD, ShardFile};
use super::verify::shard_tables;
use super::write::{assemble, table_files};
use crate::error::AnonymizerError;

/// A finished table: what the manifest says of it, and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedTable {
    /// What the manifest says.
    pub table: ReleasedTable,
    /// The four files below `tables/`, by path.
    pub files: Files,
}

/// Finishes every table of a census. The occasion's block, miner, shard and root do not matter.
///
/// # Errors
/// [`AnonymizerError::Bundle`] when the occasion is no shard, and those of [`super::render`].
pub fn finish(input: &BundleInput<'_>) -> Result<Vec<FinishedTable>, AnonymizerError> {
    let mut finished = Vec::with_capacity(input.tables.len());
    for table in input.tables {
        let own = BundleInput { tables: std::slice::from_ref(table), ..input.clone() };
        let release = Release::new(&own)?;
        is_shard(&release.manifest)?;
        let files = table_files(&release)?;
        finished.extend(
            release.manifest.tables.into_iter().map(|table| FinishedTable { table, files: files.clone() }),
        );
    }
    Ok(finished)
}

/// The manifest and all files of a shard's bundle. The input's own tables are not looked at.
///
/// # Errors
/// [`AnonymizerError::Bundle`] when table, seal and occasion do not belong together, and those of [`super::render`].
pub fn render_shard(
    input: &BundleInput<'_>,
    finished: &FinishedTable,
    seal: &ShardFile,
) -> Result<(Manifest, Files), AnonymizerError> {
    let refuse = |problem: String| AnonymizerError::bundle(SHARD, problem);
    let mut release = Release::new(&BundleInput { tables: &[], ..input.clone() })?;
    is_shard(&release.manifest)?;
    release.manifest.tables.push(finished.table.clone());
    release.manifest.check()?;
    seal.check(&release.manifest.occasion, &finished.files).map_err(refuse)?;
    release.tables =
        shard_tables(&finished.files, &release.manifest, &release.query.workload()).map_err(refuse)?;
    let mut files = finished.files.clone();
    files.insert(SHARD.into(), seal.to_canonical_bytes()?);
    assemble(release, files, input.signer)
}

fn is_shard(manifest: &Manifest) -> Result<(), AnonymizerError> {
    match manifest.occasion {
        Occasion::CensusShard { .. } => Ok(()),
        _ => Err(AnonymizerError::bundle(SHARD, "the occasion is no shard of a census")),
    }
}
