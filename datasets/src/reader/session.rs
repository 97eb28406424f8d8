//! The stages that every source goes through, whatever its format.
//!
//! Organisations, then the ids of persons, then encounters, then persons (with the organisation that saw them
//! last), then all events. A reader says for each of its files how one record becomes rows; the
//! session runs that over the file in parallel, collects or reports broken rows, and writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use medrec_domain::schema::Table;

use super::joins::Joins;
use super::output::{Decode, Finished, Links, Output, Repeats, decode_chunk, index_encounters, person_row};
use super::pipeline;
use super::record::Source;
use super::report::ReadReport;
use crate::error::{BadRow, DatasetError, RowProblem};
use crate::folder::Sink;
use crate::input::Input;
use crate::options::{OnBadRow, Progress, ReadOptions};
use crate::table::batch::Batch;
use crate::table::row;

/// Broken rows of a file that the report shows in full.
const SHOWN_BAD_ROWS: usize = 100;
/// Lines fit 40 bits; the part of the file goes above them.
const LINE_BITS: u32 = 40;

/// A source while it is read.
pub(crate) struct Session<'s> {
    pub(crate) folder: PathBuf,
    pub(crate) options: &'s ReadOptions,
    pub(crate) joins: Joins<'s>,
    sink: &'s mut dyn Sink,
    progress: &'s dyn Progress,
    report: ReadReport,
    /// Places of persons whom an earlier row already described.
    repeated: BTreeSet<u64>,
}

impl<'s> Session<'s> {
    pub(crate) fn new(
        folder: &Path,
        options: &'s ReadOptions,
        sink: &'s mut dyn Sink,
        progress: &'s dyn Progress,
    ) -> Self {
        Self {
            folder: folder.to_path_buf(),
            options,
            joins: Joins::new(options),
            sink,
            progress,
            report: ReadReport::default(),
            repeated: BTreeSet::new(),
        }
    }

    /// Notes that an optional file is not there.
    pub(crate) fn missing(&mut self, file: &str) {
        self.report.missing_files.push(file.to_owned());
    }

    /// Reads a file of organisations.
    pub(crate) fn organisations(
        &mut self,
        input: &Input,
        source: impl Source,
        decode: &Decode<'_>,
    ) -> Result<(), DatasetError> {
        let mut found = Vec::new();
        self.pass(input, source, decode, true, |part| found.extend(part.organisations))?;
        for record in found {
            self.joins.organisations.add(record);
        }
        Ok(())
    }

    /// First pass over a file of persons: who is there. Call for each part, then [`Self::index_persons`].
    pub(crate) fn find_persons(
        &mut self,
        input: &Input,
        part: u64,
        source: impl Source,
        decode: &Decode<'_>,
        found: &mut Vec<(u64, u64)>,
    ) -> Result<(), DatasetError> {
        self.pass(input, source, decode, false, |done| {
            let places = done.persons.iter().map(|(line, record)| (record.person, part << LINE_BITS | line));
            found.extend(places);
        })
    }

    /// Takes what the first pass found. Later rows of a person are broken rows of the second pass.
    pub(crate) fn index_persons(&mut self, mut found: Vec<(u64, u64)>) {
        found.sort_unstable();
        let repeats = found.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1);
        self.repeated = repeats.collect();
        found.dedup_by_key(|(person, _)| *person);
        self.joins.set_persons(found.into_iter().map(|(person, _)| person).collect());
    }

    /// Reads a file of encounters. Call for each part, then [`Self::index_encounters`].
    pub(crate) fn encounters(
        &mut self,
        input: &Input,
        source: impl Source,
        decode: &Decode<'_>,
        found: &mut Links,
    ) -> Result<(), DatasetError> {
        self.pass(input, source, decode, true, |part| found.append(part.links))
    }

    /// Takes the encounters that were read.
    pub(crate) fn index_encounters(&mut self, found: Links) {
        index_encounters(&mut self.joins, found);
    }

    /// Second pass over a file of persons: their rows.
    pub(crate) fn persons(
        &mut self,
        input: &Input,
        part: u64,
        source: impl Source,
        decode: &Decode<'_>,
        repeats: Repeats,
    ) -> Result<(), DatasetError> {
        let repeated = std::mem::take(&mut self.repeated);
        let options = self.options;
        let write = |record: &ByteRecord, out: &mut Output<'_>| {
            decode(record, out)?;
            let joins = out.joins;
            for (line, person) in std::mem::take(&mut out.persons) {
                let is_repeat = repeated.contains(&(part << LINE_BITS | line));
                if is_repeat && repeats == Repeats::Ignore {
                    continue;
                }
                if is_repeat {
                    return Err(RowProblem::new("patient", "", "appears a second time"));
                }
                out.push(&person_row(&person, joins, options));
            }
            Ok(())
        };
        let done = self.pass(input, source, &write, true, |_| ());
        self.repeated = repeated;
        done
    }

    /// Reads a file of events.
    pub(crate) fn events(
        &mut self,
        input: &Input,
        source: impl Source,
        decode: &Decode<'_>,
    ) -> Result<(), DatasetError> {
        self.pass(input, source, decode, true, |_| ())
    }

    /// Runs `decode` over a file. Broken rows are reported unless this pass is a rehearsal (`report` off).
    fn pass(
        &mut self,
        input: &Input,
        source: impl Source,
        decode: &Decode<'_>,
        report: bool,
        mut collect: impl FnMut(Finished),
    ) -> Result<(), DatasetError> {
        self.progress.stage(&input.name, Some(input.size_bytes()));
        let Self { joins, sink, progress, report: counts, options, .. } = self;
        let joins = &*joins;
        let transform = |chunk: &super::record::Chunk| decode_chunk(chunk, &input.name, joins, decode);
        pipeline::run(source, transform, |mut done: Finished, bytes| {
            if progress.is_stopped() {
                return Err(DatasetError::Stopped);
            }
            progress.advance(bytes);
            if report {
                *counts.rows_read.entry(input.name.clone()).or_default() += done.rows;
                take_problems(counts, &input.name, options.on_bad_row, std::mem::take(&mut done.problems))?;
                for (table, batch) in std::mem::take(&mut done.batches) {
                    let batch = batch?;
                    let rows = u64::try_from(batch.num_rows()).unwrap_or(0);
                    *counts.rows_written.entry(table).or_default() += rows;
                    sink.write(table, &batch)?;
                }
            }
            collect(done);
            Ok(())
        })
    }

    /// Writes a batch that needs no decoding (Parquet to Parquet).
    pub(crate) fn write(
        &mut self,
        table: Table,
        batch: &arrow_array::RecordBatch,
    ) -> Result<(), DatasetError> {
        if self.progress.is_stopped() {
            return Err(DatasetError::Stopped);
        }
        let rows = u64::try_from(batch.num_rows()).unwrap_or(0);
        *self.report.rows_written.entry(table).or_default() += rows;
        self.progress.advance(rows);
        self.sink.write(table, batch)
    }

    /// Counts rows that were read without a pass, and takes what was wrong with them.
    pub(crate) fn took(&mut self, file: &str, rows: u64, problems: Vec<BadRow>) -> Result<(), DatasetError> {
        *self.report.rows_read.entry(file.to_owned()).or_default() += rows;
        take_problems(&mut self.report, file, self.options.on_bad_row, problems)
    }

    /// Announces a stage that has no file of its own.
    pub(crate) fn stage(&self, name: &str) {
        self.progress.stage(name, None);
    }

    /// Writes the organisations, in the order of their ids, and hands over the report.
    pub(crate) fn finish(mut self) -> Result<ReadReport, DatasetError> {
        let mut organisations: Vec<_> = self.joins.organisations.list().to_vec();
        organisations.sort_by(|left, right| left.id.cmp(&right.id));
        let mut batch = Batch::new(Table::Organisation);
        for record in &organisations {
            batch.push(&row::Organisation {
                id: &record.id,
                name: record.name.as_deref(),
                nation: record.nation,
                region: record.region,
            });
        }
        let count = u64::try_from(batch.rows()).unwrap_or(0);
        if count > 0 {
            *self.report.rows_written.entry(Table::Organisation).or_default() += count;
            self.sink.write(Table::Organisation, &batch.finish()?)?;
        }
        Ok(self.report)
    }
}

fn take_problems(
    report: &mut ReadReport,
    file: &str,
    on_bad_row: OnBadRow,
    problems: Vec<BadRow>,
) -> Result<(), DatasetError> {
    for problem in problems {
        if on_bad_row == OnBadRow::Fail {
            return Err(problem.into());
        }
        let skipped = report.rows_skipped.entry(file.to_owned()).or_default();
        *skipped += 1;
        if *skipped <= SHOWN_BAD_ROWS.try_into().unwrap_or(u64::MAX) {
            report.bad_rows.push(problem);
        }
    }
    Ok(())
}
