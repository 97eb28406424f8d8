//! Divides a Synthea export among several providers, by the organisations that recorded each row.
//!
//! For trials with real input: one export becomes the folders of providers who each keep what their own
//! organisations recorded, under the same patients' ids. Organisations are dealt out by their encounters, the busiest
//! first, each to the provider that has least, so that the shares are alike. What it does not know: which rows mean what;
//! they are copied as they stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder, Writer};

use crate::error::{BadRow, DatasetError};
use crate::input::Input;

/// Files whose rows belong to an encounter; those that an export lacks are left out.
const OF_ENCOUNTERS: [&str; 6] = [
    "allergies.csv",
    "conditions.csv",
    "immunizations.csv",
    "medications.csv",
    "observations.csv",
    "procedures.csv",
];

/// What one provider got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its folder.
    pub folder: PathBuf,
    /// Ids of its organisations.
    pub organisations: BTreeSet<String>,
    /// Ids of its patients, as the source writes them.
    pub patients: BTreeSet<String>,
    /// Its encounters.
    pub encounters: u64,
}

/// Divides the Synthea export in `folder` among as many providers as there are names in `out`, each a folder that is made.
///
/// A patient is copied to every provider that has an encounter of hers; a row without a known encounter goes to nobody.
/// Memory grows with the encounters alone.
///
/// # Privacy
/// Copies hold what the source holds, direct identifiers included: they are new sources, not canonical tables.
///
/// # Errors
/// [`DatasetError`]: files or columns that are missing, a disk that refuses, no or more providers than organisations.
pub fn synthea(folder: &Path, out: &[PathBuf]) -> Result<Vec<Share>, DatasetError> {
    let encounters = Encounters::read(folder)?;
    if out.is_empty() || out.len() > encounters.by_organisation.len() {
        let problem =
            format!("must be 1 to the number of organisations, {}", encounters.by_organisation.len());
        return Err(DatasetError::Option { option: "providers", problem });
    }
    let mut shares = encounters.deal(out);
    let owner: HashMap<String, usize> = (0..)
        .zip(&shares)
        .flat_map(|(index, share)| share.organisations.iter().map(move |id| (id.clone(), index)))
        .collect();
    for share in &shares {
        fs::create_dir_all(&share.folder).map_err(DatasetError::io(&share.folder))?;
    }
    let provider_of = |encounter: &[u8]| {
        encounters.organisation_of.get(encounter).and_then(|id| owner.get(&encounters.names[*id])).copied()
    };
    copy(folder, "encounters.csv", "Id", out, |id| provider_of(id).into_iter().collect())?;
    for name in OF_ENCOUNTERS {
        if Input::find(folder, name).is_some() {
            copy(folder, name, "ENCOUNTER", out, |id| provider_of(id).into_iter().collect())?;
        }
    }
    for (patient, encounter) in &encounters.patient_of {
        let index =
            encounters.organisation_of.get(encounter).and_then(|id| owner.get(&encounters.names[*id]));
        if let Some(share) = index.and_then(|index| shares.get_mut(*index)) {
            share.patients.insert(patient.clone());
        }
    }
    copy(folder, "patients.csv", "Id", out, |id| {
        let id = String::from_utf8_lossy(id);
        (0..)
            .zip(&shares)
            .filter(|(_, share)| share.patients.contains(id.as_ref()))
            .map(|(index, _)| index)
            .collect()
    })?;
    copy(folder, "organizations.csv", "Id", out, |id| {
        owner.get(String::from_utf8_lossy(id).as_ref()).copied().into_iter().collect()
    })?;
    Ok(shares)
}

/// Who recorded which encounter of whom.
struct Encounters {
    /// Ids of organisations, in the order in which they first appear.
    names: Vec<String>,
    /// Encounters of each.
    by_organisation: BTreeMap<String, u64>,
    /// Index of an encounter's organisation, by the encounter's id.
    organisation_of: HashMap<Vec<u8>, usize>,
    /// Patients with the id of one of their encounters at each organisation.
    patient_of: BTreeSet<(String, Vec<u8>)>,
}

impl Encounters {
    fn read(folder: &Path) -> Result<Self, DatasetError> {
        let (mut reader, input) = open(folder, "encounters.csv")?;
        let header = reader.byte_headers().map_err(broken(&input))?.clone();
        let [id, patient, organisation] = [
            column(&input, &header, "Id")?,
            column(&input, &header, "PATIENT")?,
            column(&input, &header, "ORGANIZATION")?,
        ];
        let mut found = Self {
            names: Vec::new(),
            by_organisation: BTreeMap::new(),
            organisation_of: HashMap::new(),
            patient_of: BTreeSet::new(),
        };
        let mut index_of: HashMap<String, usize> = HashMap::new();
        let mut seen: BTreeSet<(String, usize)> = BTreeSet::new();
        for record in reader.byte_records() {
            let record = record.map_err(broken(&input))?;
            let text =
                |index: usize| String::from_utf8_lossy(record.get(index).unwrap_or_default()).into_owned();
            let (name, person) = (text(organisation), text(patient));
            let next = found.names.len();
            let index = *index_of.entry(name.clone()).or_insert(next);
            if index == next {
                found.names.push(name.clone());
            }
            *found.by_organisation.entry(name).or_default() += 1;
            let encounter = record.get(id).unwrap_or_default().to_vec();
            if seen.insert((person.clone(), index)) {
                found.patient_of.insert((person, encounter.clone()));
            }
            found.organisation_of.insert(encounter, index);
        }
        Ok(found)
    }

    /// The busiest organisation first, each to who has least.
    fn deal(&self, out: &[PathBuf]) -> Vec<Share> {
        let mut shares: Vec<Share> = out
            .iter()
            .map(|folder| Share {
                folder: folder.clone(),
                organisations: BTreeSet::new(),
                patients: BTreeSet::new(),
                encounters: 0,
            })
            .collect();
        let mut organisations: Vec<_> = self.by_organisation.iter().collect();
        organisations.sort_by_key(|(name, encounters)| (std::cmp::Reverse(**encounters), (*name).clone()));
        for (name, encounters) in organisations {
            if let Some(least) = shares.iter_mut().min_by_key(|share| share.encounters) {
                least.organisations.insert(name.clone());
                least.encounters += encounters;
            }
        }
        shares
    }
}

fn open(
    folder: &Path,
    name: &str,
) -> Result<(Reader<Box<dyn std::io::BufRead + Send>>, Input), DatasetError> {
    let input = Input::require(folder, name)?;
    Ok((ReaderBuilder::new().flexible(true).from_reader(input.open()?), input))
}

fn column(input: &Input, header: &ByteRecord, name: &str) -> Result<usize, DatasetError> {
    let missing = || DatasetError::MissingColumn { file: input.name.clone(), column: name.to_owned() };
    header.iter().position(|column| column.eq_ignore_ascii_case(name.as_bytes())).ok_or_else(missing)
}

/// Copies the rows of a file to the providers that `of` names by the value of a column.
fn copy(
    folder: &Path,
    name: &str,
    key: &str,
    out: &[PathBuf],
    of: impl Fn(&[u8]) -> Vec<usize>,
) -> Result<(), DatasetError> {
    let (mut reader, input) = open(folder, name)?;
    let header = reader.byte_headers().map_err(broken(&input))?.clone();
    let key = column(&input, &header, key)?;
    let mut writers = Vec::new();
    for folder in out {
        let path = folder.join(name);
        let file = File::create(&path).map_err(DatasetError::io(&path))?;
        let mut writer = Writer::from_writer(BufWriter::new(file));
        writer.write_byte_record(&header).map_err(unwritten(&path))?;
        writers.push((writer, path));
    }
    for record in reader.byte_records() {
        let record = record.map_err(broken(&input))?;
        for index in of(record.get(key).unwrap_or_default()) {
            if let Some((writer, path)) = writers.get_mut(index) {
                writer.write_byte_record(&record).map_err(unwritten(path))?;
            }
        }
    }
    for (mut writer, path) in writers {
        writer.flush().map_err(DatasetError::io(&path))?;
    }
    Ok(())
}

fn broken(input: &Input) -> impl Fn(csv::Error) -> DatasetError {
    let (path, file) = (input.path.clone(), input.name.clone());
    move |error| {
        let line = error.position().map_or(0, csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(source) => DatasetError::Io { path: path.clone(), source },
            other => DatasetError::BadRow(BadRow {
                file: file.clone(),
                line,
                column: "row".to_owned(),
                value: String::new(),
                problem: format!("cannot be read: {other:?}"),
            }),
        }
    }
}

fn unwritten(path: &Path) -> impl Fn(csv::Error) -> DatasetError {
    let path = path.to_path_buf();
    move |error| match error.into_kind() {
        csv::ErrorKind::Io(source) => DatasetError::Io { path: path.clone(), source },
        other => DatasetError::Io { path: path.clone(), source: std::io::Error::other(format!("{other:?}")) },
    }
}
