//! From a release to the files of its bundle, and onto the disk.

use std::path::Path;

use medrec_domain::Manifest;
use medrec_domain::manifest::{FileDigest, Occasion};

use super::files::{Files, MANIFEST, SIGNATURE, WORKLOAD, table_path};
use super::release::{BundleInput, Release};
use super::seal::SHARD;
use super::signature::{SignatureFile, Signer};
use super::{columnar, croissant, csv, data_package, folder, measure_report, readme, report, rows};
use crate::error::AnonymizerError;

/// How a bundle is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Whether a folder that is there already is replaced, whole.
    pub replace: bool,
}

/// Writes a bundle into the folder `out_dir` and returns its manifest.
///
/// The folder appears complete or not at all. The same input gives the same bytes.
///
/// # Errors
/// [`AnonymizerError::Exists`], [`AnonymizerError::Io`] with the path, [`AnonymizerError::Bundle`],
/// [`AnonymizerError::Signing`], [`AnonymizerError::Domain`].
pub fn write(
    out_dir: &Path,
    input: &BundleInput<'_>,
    options: WriteOptions,
) -> Result<Manifest, AnonymizerError> {
    let (manifest, files) = render(input)?;
    folder::write(out_dir, &files, options.replace)?;
    Ok(manifest)
}

/// The manifest of a bundle and all its files, in memory.
///
/// # Errors
/// As [`write()`], the disk apart. A shard of a census is made by [`super::render_shard`].
pub fn render(input: &BundleInput<'_>) -> Result<(Manifest, Files), AnonymizerError> {
    if matches!(input.occasion, Occasion::CensusShard { .. }) {
        return Err(AnonymizerError::bundle(SHARD, "a shard is not made without its seal"));
    }
    let release = Release::new(input)?;
    let files = table_files(&release)?;
    assemble(release, files, input.signer)
}

/// Adds to the tables (and the seal of a shard) what follows from them, manifest and signature.
pub(super) fn assemble(
    release: Release,
    mut files: Files,
    signer: Option<&dyn Signer>,
) -> Result<(Manifest, Files), AnonymizerError> {
    let derived = derived_files(&release, &files)?;
    files.extend(derived);
    let mut manifest = release.manifest;
    manifest.files = files.iter().map(|(path, bytes)| (path.clone(), FileDigest::of(bytes))).collect();
    let bytes = manifest.to_canonical_bytes()?;
    let signature = SignatureFile::new(&manifest.occasion, manifest.digest()?, signer)?;
    files.insert(MANIFEST.into(), bytes);
    files.insert(SIGNATURE.into(), signature.to_canonical_bytes()?);
    Ok((manifest, files))
}

/// The tables, in both formats, figures and raw integers.
pub(super) fn table_files(release: &Release) -> Result<Files, AnonymizerError> {
    let mut files = Files::new();
    for (index, table) in release.tables.iter().enumerate() {
        let name = &table.query.name;
        for (batch, kind) in [(rows::figures_to_batch(table)?, ""), (rows::raw_to_batch(table)?, "raw.")] {
            let path = |format: &str| table_path(name, &format!("{kind}{format}"));
            let metadata = columnar::metadata(&release.manifest, index)?;
            files.insert(path("csv"), csv::csv(&batch));
            files.insert(path("parquet"), columnar::parquet(name, &batch, metadata)?);
        }
    }
    Ok(files)
}

/// Everything that follows from the manifest, the query and the tables.
pub(super) fn derived_files(release: &Release, tables: &Files) -> Result<Files, AnonymizerError> {
    Ok(Files::from([
        (WORKLOAD.into(), release.query.to_canonical_bytes()?),
        ("README.md".into(), readme::readme(release).into_bytes()),
        ("report.html".into(), report::report(release).into_bytes()),
        ("datapackage.json".into(), data_package::data_package(release, tables)?),
        ("croissant.json".into(), croissant::croissant(release, tables)?),
        ("measure-report.ndjson".into(), measure_report::measure_reports(release)?),
    ]))
}
