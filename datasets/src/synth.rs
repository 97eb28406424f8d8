//! A seeded synthetic population.
//!
//! For tests, demonstrations and benchmarks of any size: people with several providers, chronic and
//! acute conditions by age and sex, laboratory values around plausible means, rare conditions that one
//! person in fifty thousand has, and clinics that see a handful. Its figures are of the right order,
//! not estimates of any real population. Each person is drawn from a generator of her own (`ChaCha8`,
//! the seed as key, her number as stream), so the output depends on the options alone, and a
//! million people are written in the memory of a few thousand.
//!
//! The sources that it writes carry invented names, addresses and numbers, since real ones do and the
//! readers have to keep them out.

mod catalogue;
mod fhir;
mod identity;
mod omop;
mod parquet;
mod person;
mod random;
mod sqlite;
mod synthea;
mod writer;

use std::path::Path;

use medrec_domain::CalendarDate;
use rayon::prelude::*;

use crate::error::DatasetError;
use crate::options::Progress;
use person::{Person, World};
pub use writer::SynthFormat;
use writer::Writer;

/// Persons of a chunk: the unit of parallel work.
const PERSONS_PER_CHUNK: u64 = 1000;

/// A population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SynthOptions {
    /// Seed: the same options give the same bytes.
    pub seed: u64,
    /// Persons.
    pub persons: u64,
    /// First calendar year of the records.
    pub first_year: i32,
    /// Years of records, from January of the first.
    pub years: u16,
    /// Provider organisations; sizes fall like one over their rank, so the last are small.
    pub organisations: u32,
    /// Format.
    pub format: SynthFormat,
}

impl SynthOptions {
    /// A population of `persons` with `organisations`, over five years from 2020.
    pub const fn new(seed: u64, persons: u64, organisations: u32, format: SynthFormat) -> Self {
        Self { seed, persons, first_year: 2020, years: 5, organisations, format }
    }

    fn check(&self) -> Result<World, DatasetError> {
        let refuse = |option, problem: &str| DatasetError::Option { option, problem: problem.into() };
        if !(1..=100_000).contains(&self.organisations) {
            return Err(refuse("organisations", "must lie between 1 and 100000"));
        }
        if self.persons > 1_000_000_000 {
            return Err(refuse("persons", "must not exceed a billion"));
        }
        if !(1..=100).contains(&self.years) || !(1900..=2100).contains(&self.first_year) {
            return Err(refuse("years", "must be 1 to 100, from a first year between 1900 and 2100"));
        }
        let january = |year| CalendarDate::from_year_month_day(year, 1, 1);
        let last_year = self.first_year + i32::from(self.years);
        let window = january(self.first_year).zip(january(last_year));
        let (from, until) = window.ok_or_else(|| refuse("years", "leave the calendar"))?;
        Ok(World::new(self.seed, self.organisations, from, until))
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SynthReport {
    /// Persons.
    pub persons: u64,
    /// Encounters.
    pub encounters: u64,
    /// Conditions.
    pub conditions: u64,
    /// Measurements.
    pub measurements: u64,
    /// Medications.
    pub medications: u64,
    /// Procedures.
    pub procedures: u64,
}

impl SynthReport {
    fn add(&mut self, person: &Person) {
        let count = |length: usize| u64::try_from(length).unwrap_or(0);
        self.persons += 1;
        self.encounters += count(person.encounters.len());
        self.conditions += count(person.conditions.len());
        self.measurements += count(person.measurements.len());
        self.medications += count(person.medications.len());
        self.procedures += count(person.procedures.len());
    }
}

/// Writes a population into the folder `out`, which is created. Files of an earlier run are replaced.
///
/// # Errors
/// [`DatasetError`]: impossible options, or a disk that refuses; [`DatasetError::Stopped`] on request.
pub fn run(options: &SynthOptions, out: &Path, progress: &dyn Progress) -> Result<SynthReport, DatasetError> {
    let world = options.check()?;
    std::fs::create_dir_all(out).map_err(DatasetError::io(out))?;
    match options.format {
        SynthFormat::SyntheaCsv => drive(options, &world, synthea::writer(out, &world)?, progress),
        SynthFormat::FhirNdjson => drive(options, &world, fhir::writer(out, &world)?, progress),
        SynthFormat::Omop53 => {
            drive(options, &world, omop::writer(out, &world, omop::Version::V53)?, progress)
        }
        SynthFormat::Omop54 => {
            drive(options, &world, omop::writer(out, &world, omop::Version::V54)?, progress)
        }
        SynthFormat::Parquet => drive(options, &world, parquet::writer(out, &world)?, progress),
        SynthFormat::Sqlite => drive(options, &world, sqlite::writer(out, &world)?, progress),
    }
}

/// The id by which the source of these options knows its person number `index` (from 0).
///
/// # Errors
/// [`DatasetError::Option`]: impossible options, or no such person.
pub fn source_id(options: &SynthOptions, index: u64) -> Result<String, DatasetError> {
    let world = options.check()?;
    if index >= options.persons {
        let problem = format!("has no number {index} among {}", options.persons);
        return Err(DatasetError::Option { option: "person", problem });
    }
    Ok(match options.format {
        SynthFormat::SyntheaCsv | SynthFormat::FhirNdjson => Person::draw(&world, index).identity.id,
        SynthFormat::Omop53 | SynthFormat::Omop54 | SynthFormat::Parquet => (index + 1).to_string(),
        SynthFormat::Sqlite => sqlite::record_number(index),
    })
}

fn drive<W: Writer>(
    options: &SynthOptions,
    world: &World,
    mut writer: W,
    progress: &dyn Progress,
) -> Result<SynthReport, DatasetError> {
    progress.stage("persons", Some(options.persons));
    let mut report = SynthReport::default();
    let chunks: Vec<u64> = (0..options.persons.div_ceil(PERSONS_PER_CHUNK)).collect();
    for group in chunks.chunks(rayon::current_num_threads().max(1) * 2) {
        if progress.is_stopped() {
            return Err(DatasetError::Stopped);
        }
        let encoded: Vec<_> = group
            .par_iter()
            .map(|chunk| {
                let first = chunk * PERSONS_PER_CHUNK;
                let last = (first + PERSONS_PER_CHUNK).min(options.persons);
                let persons: Vec<Person> = (first..last).map(|index| Person::draw(world, index)).collect();
                let mut counts = SynthReport::default();
                for person in &persons {
                    counts.add(person);
                }
                W::encode(options.format, world, &persons).map(|encoded| (encoded, counts))
            })
            .collect::<Result<_, _>>()?;
        for (encoded, counts) in encoded {
            writer.write(encoded)?;
            progress.advance(counts.persons);
            report = report.plus(counts);
        }
    }
    writer.finish()?;
    Ok(report)
}

impl SynthReport {
    fn plus(self, other: Self) -> Self {
        Self {
            persons: self.persons + other.persons,
            encounters: self.encounters + other.encounters,
            conditions: self.conditions + other.conditions,
            measurements: self.measurements + other.measurements,
            medications: self.medications + other.medications,
            procedures: self.procedures + other.procedures,
        }
    }
}
