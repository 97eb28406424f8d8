//! Figures as columns and back: the long form, one row a figure.
//!
//! CSV and Parquet are both written from these columns, and the verifier reads them back into figures.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use medrec_domain::workload::{Level, TableQuery};

use super::names::{
    FIGURE_COLUMNS, RAW_COLUMNS, dimension_columns, level_text, measure_names, parse_level, parse_statistic,
    statistic_text,
};
use crate::error::AnonymizerError;
use crate::figures::{Figure, RawFigure, TableFigures};

type Cell = Arc<[Arc<str>]>;

/// Arrow schema of a table of figures.
pub(super) fn figure_schema(query: &TableQuery) -> Schema {
    schema(query, FIGURE_COLUMNS.iter().map(|column| column.0))
}

/// Arrow schema of a table of raw integers.
pub(super) fn raw_schema(query: &TableQuery) -> Schema {
    schema(query, RAW_COLUMNS.iter().map(|column| column.0))
}

fn schema<'a>(query: &TableQuery, fixed: impl Iterator<Item = &'a str>) -> Schema {
    let dimensions = dimension_columns(query).into_iter().map(|name| Field::new(name, DataType::Utf8, false));
    let fixed = fixed.map(|name| match name {
        "estimate" | "standard_error" | "lower_95" | "upper_95" => Field::new(name, DataType::Float64, true),
        "withheld" => Field::new(name, DataType::Boolean, false),
        "component" => Field::new(name, DataType::Int64, false),
        "value" => Field::new(name, DataType::Int64, true),
        _ => Field::new(name, DataType::Utf8, false),
    });
    Schema::new(dimensions.chain(fixed).collect::<Vec<_>>())
}

fn dimensions<'a>(query: &TableQuery, cells: &(impl Iterator<Item = &'a Cell> + Clone)) -> Vec<ArrayRef> {
    let column = |index: usize| {
        StringArray::from_iter_values(cells.clone().map(|cell| cell.get(index).map_or("", AsRef::as_ref)))
    };
    (0..query.dimensions.len()).map(|index| Arc::new(column(index)) as ArrayRef).collect()
}

fn measure_name(names: &[String], measure: u32) -> &str {
    usize::try_from(measure).ok().and_then(|index| names.get(index)).map_or("", String::as_str)
}

/// Checks that figures can be written: one label a dimension, known measures, finite numbers, none where withheld.
fn check(table: &TableFigures) -> Result<(), AnonymizerError> {
    let refuse = |problem: &str| Err(AnonymizerError::bundle(format!("table {}", table.query.name), problem));
    let (width, measures) = (table.query.dimensions.len(), table.query.measures.len());
    let known = |measure: u32| usize::try_from(measure).is_ok_and(|index| index < measures);
    for figure in &table.figures {
        let numbers = [figure.estimate, figure.standard_error, figure.lower, figure.upper];
        if figure.cell.len() != width || !known(figure.measure) {
            return refuse("a figure has labels or a measure that the query does not have");
        }
        if numbers.iter().flatten().any(|number| !number.is_finite()) {
            return refuse("a figure is not a finite number");
        }
        if figure.withheld && numbers.iter().any(Option::is_some) {
            return refuse("a withheld figure has a number");
        }
    }
    if table.raw.iter().any(|raw| raw.cell.len() != width || !known(raw.measure)) {
        return refuse("a raw integer has labels or a measure that the query does not have");
    }
    Ok(())
}

/// The figures of a table as columns.
///
/// # Errors
/// [`AnonymizerError::Bundle`] naming the table when a figure does not fit its query.
pub(super) fn figures_to_batch(table: &TableFigures) -> Result<RecordBatch, AnonymizerError> {
    check(table)?;
    let figures = &table.figures;
    let names = measure_names(&table.query);
    let text = |of: &dyn Fn(&Figure) -> String| {
        Arc::new(StringArray::from_iter_values(figures.iter().map(of))) as ArrayRef
    };
    let number = |of: fn(&Figure) -> Option<f64>| {
        Arc::new(figures.iter().map(|figure| of(figure).map(|value| value + 0.0)).collect::<Float64Array>())
            as ArrayRef
    };
    let mut columns = dimensions(&table.query, &figures.iter().map(|figure| &figure.cell));
    columns.push(text(&|figure| level_text(figure.level).to_owned()));
    columns.push(text(&|figure| measure_name(&names, figure.measure).to_owned()));
    columns.push(text(&|figure| statistic_text(&figure.statistic)));
    columns.push(number(|figure| figure.estimate));
    columns.push(number(|figure| figure.standard_error));
    columns.push(number(|figure| figure.lower));
    columns.push(number(|figure| figure.upper));
    columns.push(Arc::new(figures.iter().map(|figure| Some(figure.withheld)).collect::<BooleanArray>()));
    batch(table, figure_schema(&table.query), columns)
}

/// The raw integers of a table as columns.
///
/// # Errors
/// As [`figures_to_batch`].
pub(super) fn raw_to_batch(table: &TableFigures) -> Result<RecordBatch, AnonymizerError> {
    check(table)?;
    let (raw, names) = (&table.raw, measure_names(&table.query));
    let mut columns = dimensions(&table.query, &raw.iter().map(|raw| &raw.cell));
    columns.push(Arc::new(StringArray::from_iter_values(raw.iter().map(|raw| level_text(raw.level)))));
    columns.push(Arc::new(StringArray::from_iter_values(
        raw.iter().map(|raw| measure_name(&names, raw.measure)),
    )));
    columns.push(Arc::new(Int64Array::from_iter_values(raw.iter().map(|raw| i64::from(raw.component)))));
    columns.push(Arc::new(raw.iter().map(|raw| raw.value).collect::<Int64Array>()));
    batch(table, raw_schema(&table.query), columns)
}

fn batch(
    table: &TableFigures,
    schema: Schema,
    columns: Vec<ArrayRef>,
) -> Result<RecordBatch, AnonymizerError> {
    let problem = |error| AnonymizerError::bundle(format!("table {}", table.query.name), error);
    RecordBatch::try_new(Arc::new(schema), columns).map_err(problem)
}

/// Columns of a batch by position, with their types.
struct Columns<'a> {
    batch: &'a RecordBatch,
    dimensions: usize,
}

impl<'a> Columns<'a> {
    fn of<A: 'static>(&self, fixed: usize) -> Option<&'a A> {
        self.batch.column(self.dimensions + fixed).as_any().downcast_ref()
    }

    fn label(&self, dimension: usize, row: usize) -> Option<&'a str> {
        let column: &StringArray = self.batch.column(dimension).as_any().downcast_ref()?;
        Some(column.value(row))
    }

    /// Cells repeat from row to row, so a row shares its predecessor's where they agree.
    fn cell(&self, row: usize, previous: Option<&Cell>) -> Option<Cell> {
        let labels: Option<Vec<&str>> = (0..self.dimensions).map(|index| self.label(index, row)).collect();
        let labels = labels?;
        let same = |cell: &&Cell| cell.iter().map(AsRef::as_ref).eq(labels.iter().copied());
        Some(
            previous
                .filter(same)
                .cloned()
                .unwrap_or_else(|| labels.iter().map(|&label| Arc::from(label)).collect()),
        )
    }
}

fn head(names: &[String], level: &str, measure: &str) -> Option<(Option<Level>, u32)> {
    let index = names.iter().position(|name| name == measure)?;
    Some((parse_level(level).ok()?, u32::try_from(index).ok()?))
}

/// Figures of a batch that has the schema of its query.
///
/// # Errors
/// The number of the row (from 1) that holds none of the format's words.
pub(super) fn figures_of(query: &TableQuery, batch: &RecordBatch) -> Result<Vec<Figure>, usize> {
    let columns = Columns { batch, dimensions: query.dimensions.len() };
    let names = measure_names(query);
    let mut figures: Vec<Figure> = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let text = |fixed| columns.of::<StringArray>(fixed).map(|column| column.value(row));
        let number = |fixed| {
            columns
                .of::<Float64Array>(fixed)
                .and_then(|column| column.is_valid(row).then(|| column.value(row)))
        };
        let figure = || {
            let (level, measure) = head(&names, text(0)?, text(1)?)?;
            Some(Figure {
                level,
                cell: columns.cell(row, figures.last().map(|figure| &figure.cell))?,
                measure,
                statistic: parse_statistic(text(2)?)?,
                estimate: number(3),
                standard_error: number(4),
                lower: number(5),
                upper: number(6),
                withheld: columns.of::<BooleanArray>(7)?.value(row),
            })
        };
        let figure = figure().ok_or(row + 1)?;
        figures.push(figure);
    }
    Ok(figures)
}

/// Raw integers of a batch that has the schema of its query.
///
/// # Errors
/// As [`figures_of`].
pub(super) fn raw_of(query: &TableQuery, batch: &RecordBatch) -> Result<Vec<RawFigure>, usize> {
    let columns = Columns { batch, dimensions: query.dimensions.len() };
    let names = measure_names(query);
    let mut raw: Vec<RawFigure> = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let text = |fixed| columns.of::<StringArray>(fixed).map(|column| column.value(row));
        let number = |fixed| {
            columns.of::<Int64Array>(fixed).and_then(|column| column.is_valid(row).then(|| column.value(row)))
        };
        let figure = || {
            let (level, measure) = head(&names, text(0)?, text(1)?)?;
            let cell = columns.cell(row, raw.last().map(|raw| &raw.cell))?;
            Some(RawFigure {
                level,
                cell,
                measure,
                component: u32::try_from(number(2)?).ok()?,
                value: number(3),
            })
        };
        let figure = figure().ok_or(row + 1)?;
        raw.push(figure);
    }
    Ok(raw)
}
