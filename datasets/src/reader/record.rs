//! Records with line numbers, in chunks.
//!
//! A CSV row is a record of its fields, a line of NDJSON a record of one field. Chunks are cut by
//! the source alone, so they are the same whatever the number of threads.

use std::io::BufRead;

use csv::ByteRecord;
use medrec_domain::CalendarDate;

use crate::error::{DatasetError, RowProblem};
use crate::input::Input;
use crate::vocabulary::code::is_code;

/// Records of a chunk: enough to outweigh the hand-over between threads, few enough to stay small.
const RECORDS_PER_CHUNK: usize = 8192;
/// A chunk of long records ends earlier.
const BYTES_PER_CHUNK: usize = 4 << 20;
/// A line longer than this is no record of a patient but a defect (or a document in base64).
const LONGEST_LINE_BYTES: u64 = 64 << 20;

/// Records in a row, each with the one-based line on which it starts.
pub(crate) struct Chunk {
    pub(crate) records: Vec<(u64, ByteRecord)>,
    /// Bytes of the records, for progress.
    pub(crate) bytes: u64,
}

/// A stream of chunks.
pub(crate) trait Source: Send {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DatasetError>;
}

/// Rows of a CSV file with a header.
pub(crate) struct CsvSource {
    input: Input,
    header: Vec<String>,
    reader: csv::Reader<Box<dyn BufRead + Send>>,
}

impl CsvSource {
    pub(crate) fn open(input: &Input, delimiter: u8) -> Result<Self, DatasetError> {
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(input.open()?);
        let header = reader.byte_headers().map_err(|error| csv_error(input, error))?;
        // A byte order mark precedes the first name in files that a spreadsheet has saved.
        let name =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').trim().to_owned();
        let header = header.iter().map(name).collect();
        Ok(Self { input: input.clone(), header, reader })
    }

    /// The column with one of `names` (case does not matter), if there is one.
    pub(crate) fn optional(&self, names: &[&str]) -> Column {
        let found = names.iter().find_map(|name| {
            self.header.iter().position(|own| own.eq_ignore_ascii_case(name)).map(|index| (index, *name))
        });
        let name = found.map_or(names[0], |(_, name)| name).to_owned();
        Column { index: found.map(|(index, _)| index), name }
    }

    /// The column with one of `names`; the format cannot do without it.
    pub(crate) fn column(&self, names: &[&str]) -> Result<Column, DatasetError> {
        let column = self.optional(names);
        if column.index.is_some() {
            return Ok(column);
        }
        Err(DatasetError::MissingColumn { file: self.input.name.clone(), column: names.join(" or ") })
    }

    /// Number of columns, which every row must have.
    pub(crate) fn width(&self) -> usize {
        self.header.len()
    }
}

fn csv_error(input: &Input, error: csv::Error) -> DatasetError {
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) => source,
        other => std::io::Error::new(std::io::ErrorKind::InvalidData, format!("{other:?}")),
    };
    DatasetError::Io { path: input.path.clone(), source }
}

impl Source for CsvSource {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DatasetError> {
        let mut chunk = Chunk { records: Vec::with_capacity(RECORDS_PER_CHUNK), bytes: 0 };
        let mut bytes = 0;
        while chunk.records.len() < RECORDS_PER_CHUNK && bytes < BYTES_PER_CHUNK {
            let mut record = ByteRecord::new();
            if !self.reader.read_byte_record(&mut record).map_err(|error| csv_error(&self.input, error))? {
                break;
            }
            bytes += record.as_slice().len() + record.len();
            let line = record.position().map_or(0, csv::Position::line);
            chunk.records.push((line, record));
        }
        chunk.bytes = bytes.try_into().unwrap_or(0);
        Ok((!chunk.records.is_empty()).then_some(chunk))
    }
}

/// Lines of an NDJSON file; empty lines are left out.
pub(crate) struct LineSource {
    input: Input,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    buffer: Vec<u8>,
}

impl LineSource {
    pub(crate) fn open(input: &Input) -> Result<Self, DatasetError> {
        Ok(Self { input: input.clone(), reader: input.open()?, line: 0, buffer: Vec::new() })
    }
}

impl Source for LineSource {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, DatasetError> {
        use std::io::Read;
        let mut chunk = Chunk { records: Vec::with_capacity(1024), bytes: 0 };
        let mut bytes = 0;
        while chunk.records.len() < RECORDS_PER_CHUNK && bytes < BYTES_PER_CHUNK {
            self.buffer.clear();
            let mut limited = (&mut self.reader).take(LONGEST_LINE_BYTES);
            let read =
                limited.read_until(b'\n', &mut self.buffer).map_err(DatasetError::io(&self.input.path))?;
            if read == 0 {
                break;
            }
            self.line += 1;
            if self.buffer.last() != Some(&b'\n') && limited.limit() == 0 {
                let problem = RowProblem::new("line", "", "is longer than 64 MiB");
                return Err(problem.at(&self.input.name, self.line).into());
            }
            bytes += read;
            let text = self.buffer.trim_ascii();
            if !text.is_empty() {
                chunk.records.push((self.line, ByteRecord::from(vec![text])));
            }
        }
        chunk.bytes = bytes.try_into().unwrap_or(0);
        Ok((bytes > 0).then_some(chunk))
    }
}

/// A column of a CSV file, with its name for messages.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    index: Option<usize>,
    name: String,
}

impl Column {
    /// A column of rows that have no header: a query's.
    pub(crate) fn at(index: usize, name: &str) -> Self {
        Self { index: Some(index), name: name.to_owned() }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The field without blanks around it; empty if the file lacks the column.
    pub(crate) fn text<'r>(&self, record: &'r ByteRecord) -> Result<&'r str, RowProblem> {
        let bytes = self.index.and_then(|index| record.get(index)).unwrap_or_default().trim_ascii();
        std::str::from_utf8(bytes).map_err(|_| self.problem(&String::from_utf8_lossy(bytes), "is not UTF-8"))
    }

    /// The field, or `None` where it is empty.
    pub(crate) fn optional<'r>(&self, record: &'r ByteRecord) -> Result<Option<&'r str>, RowProblem> {
        Ok(Some(self.text(record)?).filter(|text| !text.is_empty()))
    }

    /// The field, which may not be empty.
    pub(crate) fn required<'r>(&self, record: &'r ByteRecord) -> Result<&'r str, RowProblem> {
        self.optional(record)?.ok_or_else(|| self.problem("", "is missing"))
    }

    pub(crate) fn date(&self, record: &ByteRecord) -> Result<CalendarDate, RowProblem> {
        let text = self.required(record)?;
        CalendarDate::parse_bytes(text.as_bytes()).ok_or_else(|| self.problem(text, "is not a date"))
    }

    pub(crate) fn optional_date(&self, record: &ByteRecord) -> Result<Option<CalendarDate>, RowProblem> {
        let text = self.text(record)?;
        if text.is_empty() { Ok(None) } else { self.date(record).map(Some) }
    }

    /// A finite number, or `None` where the field is empty.
    pub(crate) fn number(&self, record: &ByteRecord) -> Result<Option<f64>, RowProblem> {
        let text = self.text(record)?;
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.problem(text, "is not a number"))
    }

    /// A code, which may not be empty.
    pub(crate) fn code<'r>(&self, record: &'r ByteRecord) -> Result<&'r str, RowProblem> {
        let text = self.required(record)?;
        if is_code(text) { Ok(text) } else { Err(self.problem(text, "is not a code")) }
    }

    /// A problem with this column.
    pub(crate) fn problem(&self, value: &str, problem: &str) -> RowProblem {
        RowProblem::new(self.name.clone(), value, problem)
    }
}

/// Refuses a row with more or fewer fields than the header.
pub(crate) fn check_width(record: &ByteRecord, width: usize) -> Result<(), RowProblem> {
    if record.len() == width {
        return Ok(());
    }
    Err(RowProblem::new(
        "row",
        &format!("{} fields", record.len()),
        format!("does not match the header's {width}"),
    ))
}
