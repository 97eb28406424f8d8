//! A small population in memory, with the canonical schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Float64Builder, Int16Builder, StringDictionaryBuilder, UInt64Builder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};
use medrec_anonymizer::AnonymizerError;
use medrec_anonymizer::records::{Each, Records};
use medrec_domain::schema::{ColumnKind, Table};

/// A cell of a row by the name of its column.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Id(u64),
    Word(String),
    Day(i32),
    Year(i16),
    Number(f64),
}

pub(crate) type Row = BTreeMap<&'static str, Value>;

/// Rows of each table, cut into parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Population {
    pub(crate) rows: BTreeMap<Table, Vec<Row>>,
    pub(crate) rows_a_part: usize,
}

impl Population {
    pub(crate) fn new(rows_a_part: usize) -> Self {
        Self { rows: BTreeMap::new(), rows_a_part }
    }

    pub(crate) fn push(&mut self, table: Table, cells: impl IntoIterator<Item = (&'static str, Value)>) {
        self.rows.entry(table).or_default().push(cells.into_iter().collect());
    }

    fn of(&self, table: Table) -> &[Row] {
        self.rows.get(&table).map_or(&[], Vec::as_slice)
    }
}

impl Records for Population {
    fn parts(&self, table: Table) -> Result<usize, AnonymizerError> {
        Ok(self.of(table).len().div_ceil(self.rows_a_part))
    }

    fn rows(&self, table: Table) -> Result<u64, AnonymizerError> {
        Ok(self.of(table).len() as u64)
    }

    fn scan(
        &self,
        table: Table,
        part: usize,
        columns: &[&'static str],
        each: &mut Each<'_>,
    ) -> Result<(), AnonymizerError> {
        let rows = self.of(table).chunks(self.rows_a_part).nth(part).unwrap();
        // Two batches a part, so that a part is more than one.
        for rows in rows.chunks(rows.len().div_ceil(2)) {
            each(&batch(table, rows, columns))?;
        }
        Ok(())
    }
}

fn batch(table: Table, rows: &[Row], columns: &[&'static str]) -> RecordBatch {
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for name in columns {
        let spec = table.column(name).unwrap();
        let cells = || rows.iter().map(|row| row.get(name));
        let array: ArrayRef = match spec.kind {
            ColumnKind::Pseudonym => {
                let mut builder = UInt64Builder::new();
                cells().for_each(|cell| match cell {
                    Some(Value::Id(id)) => builder.append_value(*id),
                    _ => builder.append_null(),
                });
                Arc::new(builder.finish())
            }
            ColumnKind::Word => {
                let mut builder = StringDictionaryBuilder::<Int32Type>::new();
                cells().for_each(|cell| match cell {
                    Some(Value::Word(word)) => builder.append_value(word),
                    _ => builder.append_null(),
                });
                Arc::new(builder.finish())
            }
            ColumnKind::Date => {
                let mut builder = Date32Builder::new();
                cells().for_each(|cell| match cell {
                    Some(Value::Day(day)) => builder.append_value(*day),
                    _ => builder.append_null(),
                });
                Arc::new(builder.finish())
            }
            ColumnKind::Year => {
                let mut builder = Int16Builder::new();
                cells().for_each(|cell| match cell {
                    Some(Value::Year(year)) => builder.append_value(*year),
                    _ => builder.append_null(),
                });
                Arc::new(builder.finish())
            }
            ColumnKind::Number => {
                let mut builder = Float64Builder::new();
                cells().for_each(|cell| match cell {
                    Some(Value::Number(number)) => builder.append_value(*number),
                    _ => builder.append_null(),
                });
                Arc::new(builder.finish())
            }
            ColumnKind::Flag => {
                let mut builder = BooleanBuilder::new();
                cells().for_each(|_| builder.append_value(false));
                Arc::new(builder.finish())
            }
        };
        fields.push(Field::new(*name, array.data_type().clone(), true));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

/// A deterministic generator for inputs; nothing private comes from it.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound` (`splitmix64`).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

pub(crate) const SEXES: [&str; 3] = ["female", "male", "intersex"];
pub(crate) const CODES: [(&str, &str); 5] = [
    ("snomed", "44054006"),
    ("icd9cm", "250.1"),
    ("snomed", "195967001"),
    ("icd9cm", "999"),
    ("loinc", "44054006"),
];
/// Days 2024-01-01 and after.
pub(crate) const DAY_0: i32 = 19_723;

/// A population with heavy and light persons, missing cells, unknown organisations and strangers.
pub(crate) fn population(seed: u64, persons: u64, rows_a_part: usize) -> Population {
    let mut dice = Dice::new(seed);
    let mut all = Population::new(rows_a_part);
    let id = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x55;
    for person in 0..persons {
        let mut cells = vec![
            ("person_id", Value::Id(id(person))),
            ("sex", Value::Word(SEXES[dice.below(3) as usize].into())),
            ("organisation_id", Value::Word(format!("org{}", dice.below(7)))),
        ];
        if dice.below(10) > 0 {
            cells.push(("birth_year", Value::Year(1930 + dice.below(95) as i16)));
        }
        all.push(Table::Person, cells);
        let rows = if dice.below(20) == 0 { 60 } else { dice.below(6) };
        for _ in 0..rows {
            // Some rows belong to persons who are not in the table of persons.
            let owner = if dice.below(30) == 0 { persons + 1 + dice.below(3) } else { person };
            let (system, code) = CODES[dice.below(5) as usize];
            let mut cells = vec![
                ("person_id", Value::Id(id(owner))),
                ("code_system", Value::Word(system.into())),
                ("code", Value::Word(code.into())),
                ("date", Value::Day(DAY_0 - 40 + dice.below(500) as i32)),
            ];
            if dice.below(8) > 0 {
                cells.push(("organisation_id", Value::Word(format!("org{}", dice.below(7)))));
            }
            if dice.below(8) > 0 {
                cells.push(("value", Value::Number(dice.below(4000) as f64 / 10.0 - 20.0)));
            }
            all.push(Table::Measurement, cells);
        }
    }
    all
}
