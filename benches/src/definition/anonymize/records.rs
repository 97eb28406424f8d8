//! The rows of the job as a canonical folder, with the exact answer beside it.
//!
//! `measurement/part-0.parquet` holds the rows (`organisation_id` is the region, `code` the condition), `person/` everybody
//! who has one, `organisation/` the public list of regions. `exact.csv` is the answer, `job.json` says what was
//! generated; a folder whose `job.json` says the same is used again. Persons are numbered in order and all rows lie on one
//! day: the job knows neither pseudonyms nor time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
    UInt64Array, new_null_array,
};
use medrec_datasets::{FolderWriter, Sink as _, data_type, schema};
use medrec_domain::CalendarDate;
use medrec_domain::schema::{ColumnSpec, Table};
use serde::{Deserialize, Serialize};

use super::job::{CONDITIONS, REGIONS, cell, condition, region};
use super::population::{Population, index};
use crate::accuracy::{Cells, Figure};
use crate::error::BenchError;
use crate::statistics::as_f64;

/// Raised with every change that moves a row.
const GENERATOR: u32 = 1;
/// Rows of a batch that is written.
const BATCH: usize = 1 << 16;

/// What was generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Version of the generator.
    pub generator: u32,
    /// Rows.
    pub rows: u64,
    /// Seed.
    pub seed: u64,
    /// Persons who have a row.
    pub persons: u64,
    /// Rows of persons beyond the limit of rows a person.
    pub rows_beyond_limit: u64,
}

/// A folder of generated rows.
#[derive(Debug, Clone)]
pub struct Data {
    /// The canonical folder.
    pub folder: PathBuf,
    /// What is in it.
    pub shape: Shape,
    /// The exact answer.
    pub exact: Cells,
}

impl Data {
    /// The rows of a seed in `folder`: those that lie there, or generated.
    ///
    /// # Errors
    /// [`BenchError::Io`], or [`BenchError::Contender`] when the tables cannot be written.
    pub fn in_folder(folder: &Path, rows: u64, seed: u64) -> Result<Self, BenchError> {
        let told = std::fs::read_to_string(folder.join("job.json")).ok();
        let shape = told.and_then(|text| serde_json::from_str::<Shape>(&text).ok());
        if let Some(shape) = shape
            && (shape.generator, shape.rows, shape.seed) == (GENERATOR, rows, seed)
        {
            let exact = read_exact(&folder.join("exact.csv"))?;
            return Ok(Self { folder: folder.to_owned(), shape, exact });
        }
        generate(folder, rows, seed)
    }

    /// Bytes of the file with the rows.
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(self.rows_file()).map_or(0, |metadata| metadata.len())
    }

    /// The file with the rows.
    pub fn rows_file(&self) -> PathBuf {
        self.folder.join("measurement/part-0.parquet")
    }
}

fn generate(folder: &Path, rows: u64, seed: u64) -> Result<Data, BenchError> {
    std::fs::create_dir_all(folder).map_err(io(folder))?;
    let mut population = Population::draw(rows, seed);
    let owners = std::mem::take(&mut population.owners);
    let mut writer = FolderWriter::create(folder).map_err(failed)?;
    let mut counts = vec![0_u64; REGIONS * CONDITIONS];
    let mut sums = vec![0.0_f64; REGIONS * CONDITIONS];
    let mut rows_of = vec![0_u32; population.persons.len()];
    for chunk in owners.chunks(BATCH) {
        let mut columns = Columns::default();
        for &owner in chunk {
            let person = population.persons[index(owner.into())];
            let (condition, value) = population.row(person);
            rows_of[index(owner.into())] += 1;
            let own = usize::from(person.region) * CONDITIONS + usize::from(condition);
            counts[own] += 1;
            sums[own] += value;
            columns.persons.push(owner.into());
            columns.regions.push(person.region.into());
            columns.conditions.push(condition.into());
            columns.values.push(value);
        }
        writer.write(Table::Measurement, &columns.batch()?).map_err(failed)?;
    }
    let ids: Vec<u64> = (0_u64..).zip(&rows_of).filter(|(_, rows)| **rows > 0).map(|(id, _)| id).collect();
    for ids in ids.chunks(BATCH) {
        writer.write(Table::Person, &persons(ids)?).map_err(failed)?;
    }
    writer.write(Table::Organisation, &organisations()?).map_err(failed)?;
    writer.finish().map_err(failed)?;
    let limit = super::job::ROWS_PER_PERSON;
    let shape = Shape {
        generator: GENERATOR,
        rows: u64::try_from(owners.len()).unwrap_or(u64::MAX),
        seed,
        persons: u64::try_from(ids.len()).unwrap_or(u64::MAX),
        rows_beyond_limit: rows_of.iter().map(|rows| u64::from(rows.saturating_sub(limit))).sum(),
    };
    let exact: Cells = counts
        .iter()
        .zip(&sums)
        .enumerate()
        .map(|(own, (&count, &sum))| {
            let name = cell(&region(own / CONDITIONS), &condition(own % CONDITIONS));
            (name, Figure { count: as_f64(count), sum: Some(sum) })
        })
        .collect();
    write_exact(&folder.join("exact.csv"), &exact)?;
    let text = serde_json::to_string_pretty(&shape).unwrap_or_default();
    let path = folder.join("job.json");
    std::fs::write(&path, text).map_err(io(&path))?;
    Ok(Data { folder: folder.to_owned(), shape, exact })
}

/// Columns of a batch of rows.
#[derive(Default)]
struct Columns {
    persons: Vec<u64>,
    regions: Vec<i32>,
    conditions: Vec<i32>,
    values: Vec<f64>,
}

impl Columns {
    fn batch(self) -> Result<RecordBatch, BenchError> {
        let rows = self.persons.len();
        let day = CalendarDate::from_year_month_day(2025, 6, 1).map_or(0, CalendarDate::days);
        let persons = Arc::new(UInt64Array::from(self.persons)) as ArrayRef;
        let regions = words(self.regions, (0..REGIONS).map(region))?;
        let codes = words(self.conditions, (0..CONDITIONS).map(condition))?;
        let values = Arc::new(Float64Array::from(self.values)) as ArrayRef;
        batch(Table::Measurement, rows, |column| {
            Ok(Some(match column {
                "person_id" => Arc::clone(&persons),
                "organisation_id" => Arc::clone(&regions),
                "code" => Arc::clone(&codes),
                "value" => Arc::clone(&values),
                "category" => words(vec![0; rows], ["laboratory".to_owned()])?,
                "code_system" => words(vec![0; rows], ["loinc".to_owned()])?,
                "date" => Arc::new(Date32Array::from(vec![day; rows])),
                _ => return Ok(None),
            }))
        })
    }
}

fn persons(ids: &[u64]) -> Result<RecordBatch, BenchError> {
    batch(Table::Person, ids.len(), |column| {
        Ok(Some(match column {
            "person_id" => Arc::new(UInt64Array::from(ids.to_vec())),
            "aged_90_or_over" => Arc::new(BooleanArray::from(vec![false; ids.len()])),
            "sex" | "race" | "ethnicity" => words(vec![0; ids.len()], ["unknown".to_owned()])?,
            _ => return Ok(None),
        }))
    })
}

fn organisations() -> Result<RecordBatch, BenchError> {
    let labels = || words((0_i32..).take(REGIONS).collect(), (0..REGIONS).map(region));
    batch(Table::Organisation, REGIONS, |column| match column {
        "organisation_id" | "region" => Ok(Some(labels()?)),
        _ => Ok(None),
    })
}

/// A batch of a canonical table: the columns that are given, the others missing.
fn batch(
    table: Table,
    rows: usize,
    given: impl Fn(&str) -> Result<Option<ArrayRef>, BenchError>,
) -> Result<RecordBatch, BenchError> {
    let column = |column: &ColumnSpec| {
        let given = given(column.name)?;
        Ok(given.unwrap_or_else(|| new_null_array(&data_type(column.kind), rows)))
    };
    let columns = table.columns().iter().map(column).collect::<Result<Vec<_>, BenchError>>()?;
    RecordBatch::try_new(schema(table), columns).map_err(failed)
}

fn words(keys: Vec<i32>, words: impl IntoIterator<Item = String>) -> Result<ArrayRef, BenchError> {
    let words = Arc::new(StringArray::from_iter_values(words));
    let column = DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), words).map_err(failed)?;
    Ok(Arc::new(column))
}

fn write_exact(path: &Path, exact: &Cells) -> Result<(), BenchError> {
    let lines = exact.iter().map(|(name, figure)| {
        format!("{},{},{}\n", name.replace('|', ","), figure.count, figure.sum.unwrap_or(0.0))
    });
    let text: String = std::iter::once("region,condition,count,sum\n".to_owned()).chain(lines).collect();
    std::fs::write(path, text).map_err(io(path))
}

fn read_exact(path: &Path) -> Result<Cells, BenchError> {
    let mut reader = csv::Reader::from_path(path).map_err(failed)?;
    let mut cells = Cells::new();
    for row in reader.deserialize() {
        let (region, condition, count, sum): (String, String, f64, f64) = row.map_err(failed)?;
        cells.insert(cell(&region, &condition), Figure { count, sum: Some(sum) });
    }
    Ok(cells)
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> BenchError {
    move |source| BenchError::Io { path: path.to_owned(), source }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn failed(error: impl ToString) -> BenchError {
    BenchError::Contender { contender: "generator of rows".to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_once_read_back_and_told_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::in_folder(folder.path(), 20_000, 7).unwrap();
        assert_eq!(data.shape.rows, 20_000);
        assert_eq!(data.exact.len(), REGIONS * CONDITIONS);
        let total: f64 = data.exact.values().map(|figure| figure.count).sum();
        assert!((total - 20_000.0).abs() < 1e-9);
        let written = std::fs::metadata(data.rows_file()).unwrap().modified().unwrap();
        let again = Data::in_folder(folder.path(), 20_000, 7).unwrap();
        assert_eq!((again.exact, again.shape), (data.exact.clone(), data.shape.clone()));
        assert_eq!(std::fs::metadata(data.rows_file()).unwrap().modified().unwrap(), written);
        let other = Data::in_folder(folder.path(), 20_000, 8).unwrap();
        assert_ne!(other.exact, data.exact);
    }

    #[test]
    fn the_shape_is_that_of_the_published_job() {
        // A hundredth of the job: 23,733 persons for ten million rows' 2,373,337, and 0.7 % beyond the limit.
        let folder = tempfile::tempdir().unwrap();
        let shape =
            Data::in_folder(folder.path(), 100_000, super::super::population::DEFAULT_SEED).unwrap().shape;
        assert!((23_500..24_900).contains(&shape.persons), "{shape:?}");
        assert!((400..1_200).contains(&shape.rows_beyond_limit), "{shape:?}");
    }
}
