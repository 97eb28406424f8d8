//! The demo's records: three providers, each with a database of another kind.
//!
//! Invented people by default, the same people at all three, since real ones see several providers too; or a real export, its
//! organisations divided among the three.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use medrec_datasets::divide;
use medrec_datasets::synth::{self, SynthFormat, SynthOptions};

/// People of the invented population. Most of them never come to the network, as in life.
const PERSONS: u64 = 600;
/// Clinics that they see, all providers together.
const ORGANISATIONS: u32 = 6;
/// Calendar years of records before the present one.
const YEARS_BEFORE: u16 = 2;

/// What a provider keeps, and where.
pub(super) struct Practice {
    /// Its name on the network.
    pub(super) name: &'static str,
    /// What kind of database it has, for people.
    pub(super) kind: &'static str,
    /// Format of the gatekeeper's configuration: a folder's, or `sqlite`.
    pub(super) store: Store,
    /// Ids of its patients, as its database writes them.
    pub(super) patients: Vec<String>,
}

/// Where a provider's records are.
pub(super) enum Store {
    /// A folder of files.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the gatekeeper's configuration calls its format.
        format: &'static str,
    },
    /// An SQLite database with the mapping that reads it.
    Sqlite {
        /// The database.
        database: PathBuf,
        /// The mapping file.
        mapping: PathBuf,
    },
}

const NAMES: [&str; 3] = ["Harbour General", "Northside Clinic", "Valley Practice"];

/// Invented people until the end of this year, in three kinds of database below `folder`.
pub(super) fn invented(folder: &Path, seed: u64, this_year: i32) -> anyhow::Result<Vec<Practice>> {
    let options = |format| SynthOptions {
        first_year: this_year - i32::from(YEARS_BEFORE),
        years: YEARS_BEFORE + 1,
        ..SynthOptions::new(seed, PERSONS, ORGANISATIONS, format)
    };
    let place = |index: usize| folder.join(format!("provider-{}", index + 1));
    let write = |index: usize, format| -> anyhow::Result<PathBuf> {
        synth::run(&options(format), &place(index), &())?;
        Ok(place(index))
    };
    let patients = |format| -> anyhow::Result<Vec<String>> {
        let options = options(format);
        (0..PERSONS).map(|index| Ok(synth::source_id(&options, index)?)).collect()
    };
    let sqlite = write(0, SynthFormat::Sqlite)?;
    let fhir = write(1, SynthFormat::FhirNdjson)?;
    let csv = write(2, SynthFormat::SyntheaCsv)?;
    Ok(vec![
        Practice {
            name: NAMES[0],
            kind: "an SQLite database with a schema of its own",
            store: Store::Sqlite {
                database: sqlite.join("clinic.sqlite"),
                mapping: sqlite.join("clinic.toml"),
            },
            patients: patients(SynthFormat::Sqlite)?,
        },
        Practice {
            name: NAMES[1],
            kind: "a folder of FHIR R4 NDJSON",
            store: Store::Folder { path: fhir, format: "fhir-ndjson" },
            patients: patients(SynthFormat::FhirNdjson)?,
        },
        Practice {
            name: NAMES[2],
            kind: "a folder of CSV files",
            store: Store::Folder { path: csv, format: "synthea-csv" },
            patients: patients(SynthFormat::SyntheaCsv)?,
        },
    ])
}

/// A real export, its organisations divided among three providers.
pub(super) fn divided(folder: &Path, data: &Path) -> anyhow::Result<Vec<Practice>> {
    let out: Vec<PathBuf> =
        (1..=NAMES.len()).map(|number| folder.join(format!("provider-{number}"))).collect();
    let shares = divide::synthea(data, &out).with_context(|| format!("cannot divide {}", data.display()))?;
    let practice = |(name, share): (&&'static str, divide::Share)| Practice {
        name,
        kind: "a folder of CSV files",
        store: Store::Folder { path: share.folder, format: "synthea-csv" },
        patients: share.patients.into_iter().collect(),
    };
    Ok(NAMES.iter().zip(shares).map(practice).collect())
}
