//! Checks of the tables: their rows, their files against each other, what is withheld, what counts may be.

use arrow_array::RecordBatch;
use medrec_domain::manifest::ReleasedTable;
use medrec_domain::workload::{MeasureKind, TableQuery};
use medrec_domain::{Manifest, Workload};

use super::layout::{Cells, levels};
use super::verdict::Finding;
use crate::bundle::files::{Files, table_path};
use crate::bundle::{columnar, csv, rows};
use crate::figures::{Figure, Statistic, TableFigures};

/// Most integers a cell that a verifier takes for possible (one a grid point of a quantile).
const MOST_COMPONENTS: usize = 1 << 24;

/// Reads every table, checks its rows against the plan and its CSV files against its Parquet files.
pub(in crate::bundle) fn read(
    files: &Files,
    manifest: &Manifest,
    workload: &Workload,
) -> Result<Vec<TableFigures>, String> {
    (0..manifest.tables.len()).map(|index| read_table(files, manifest, workload, index)).collect()
}

fn read_table(
    files: &Files,
    manifest: &Manifest,
    workload: &Workload,
    index: usize,
) -> Result<TableFigures, String> {
    let table = &manifest.tables[index];
    let query = &table.query;
    let levels = levels(manifest, workload, table)?;
    let cells: usize = levels.iter().map(|level| level.1.len()).sum();
    let per_cell: usize = query.measures.iter().map(|measure| most_statistics(&measure.kind)).sum();
    let components: usize = query.measures.iter().map(|measure| components(&measure.kind)).sum();
    let batch = |kind: &str, schema, most| {
        read_pair(files, manifest, index, kind, &schema, most)
            .map_err(|problem| format!("table {}: {problem}", query.name))
    };
    let figures = batch("", rows::figure_schema(query), cells.saturating_mul(per_cell))?;
    let raw = batch("raw.", rows::raw_schema(query), cells.saturating_mul(components))?;
    let at = |kind: &str, row: usize| {
        format!("{}: row {row} holds none of the format's words", table_path(&query.name, kind))
    };
    let read = TableFigures {
        query: query.clone(),
        axes: table.axes.clone(),
        rho: table.noise.iter().map(|noise| &noise.rho).sum(),
        noise: table.noise.clone(),
        figures: rows::figures_of(query, &figures).map_err(|row| at("parquet", row))?,
        raw: rows::raw_of(query, &raw).map_err(|row| at("raw.parquet", row))?,
    };
    check_figures(&read, &levels)?;
    check_raw(&read, &levels)?;
    Ok(read)
}

/// A Parquet file and the CSV file that must say the same.
fn read_pair(
    files: &Files,
    manifest: &Manifest,
    index: usize,
    kind: &str,
    schema: &arrow_schema::Schema,
    most_rows: usize,
) -> Result<RecordBatch, String> {
    let name = &manifest.tables[index].query.name;
    let path = |format: &str| table_path(name, &format!("{kind}{format}"));
    let bytes = |format: &str| files.get(&path(format)).ok_or_else(|| format!("{} is missing", path(format)));
    let metadata = columnar::metadata(manifest, index).map_err(|error| error.to_string())?;
    let batch = columnar::read(bytes("parquet")?, schema, most_rows, &metadata)
        .map_err(|problem| format!("{}: {problem}", path("parquet")))?;
    if csv::csv(&batch) != *bytes("csv")? {
        return Err(format!("{} does not say what {} says", path("csv"), path("parquet")));
    }
    Ok(batch)
}

/// Integers a cell, as docs/BUNDLE.md defines the raw tables.
fn components(kind: &MeasureKind) -> usize {
    match kind {
        MeasureKind::Sum { .. } | MeasureKind::Mean { .. } => 2,
        MeasureKind::Histogram { bins, .. } => usize::try_from(*bins).unwrap_or(MOST_COMPONENTS),
        MeasureKind::Quantiles { bounds, .. } => {
            usize::try_from(2 * bounds.half_width_units() + 1).unwrap_or(MOST_COMPONENTS)
        }
        _ => 1,
    }
    .min(MOST_COMPONENTS)
}

fn most_statistics(kind: &MeasureKind) -> usize {
    match kind {
        MeasureKind::Sum { .. } | MeasureKind::Mean { .. } => 3,
        MeasureKind::Histogram { .. } => components(kind),
        MeasureKind::Quantiles { levels, .. } => levels.len() + 1,
        _ => 1,
    }
}

/// Whether these are the statistics of a measure, in order.
fn is_complete(kind: &MeasureKind, statistics: &[Statistic]) -> bool {
    let only = |own: &Statistic, allowed: &[Statistic]| {
        let mut allowed = allowed.iter();
        statistics.contains(own) && statistics.iter().all(|statistic| allowed.any(|other| other == statistic))
    };
    match kind {
        MeasureKind::PersonCount => statistics == [Statistic::Persons],
        MeasureKind::RowCount => statistics == [Statistic::Rows],
        MeasureKind::Sum { .. } => only(&Statistic::Sum, &[Statistic::Values, Statistic::Sum]),
        MeasureKind::Mean { .. } => {
            only(&Statistic::Mean, &[Statistic::Values, Statistic::Sum, Statistic::Mean])
        }
        MeasureKind::Histogram { bounds, bins, .. } => {
            let (from, until) = (bounds.lower.billionths(), bounds.upper.billionths());
            let count = i128::from(*bins);
            // An end that has no decimal of nine digits is the nearest that has.
            let close =
                |end: i128, index: i128| (end * count - from * count - (until - from) * index).abs() <= count;
            statistics.len() == components(kind)
                && (0_i128..).zip(statistics).all(|(index, statistic)| match statistic {
                    Statistic::Bin { lower, upper } => {
                        close(lower.billionths(), index) && close(upper.billionths(), index + 1)
                    }
                    _ => false,
                })
        }
        MeasureKind::Quantiles { levels, .. } => {
            let own = statistics.strip_prefix(&[Statistic::Values]).unwrap_or(statistics);
            own.iter().copied().eq(levels.iter().map(|&level| Statistic::Quantile { level }))
        }
        _ => false,
    }
}

/// Every level, cell, measure and statistic of the plan, in order, and nothing else.
fn check_figures(
    table: &TableFigures,
    levels: &[(Option<medrec_domain::workload::Level>, Cells)],
) -> Result<(), String> {
    let refuse =
        |row: usize| format!("table {}: row {} is not the one of the plan", table.query.name, row + 1);
    let mut row = 0;
    let mut shapes: Vec<Option<Vec<Statistic>>> = vec![None; table.query.measures.len()];
    for (level, cells) in levels {
        for cell in cells {
            for (measure, (shape, asked)) in (0_u32..).zip(shapes.iter_mut().zip(&table.query.measures)) {
                let belongs = |figure: &&Figure| {
                    figure.level == *level && figure.measure == measure && figure.cell == *cell
                };
                let length = table.figures[row..].iter().take_while(belongs).count();
                let own = || table.figures[row..row + length].iter().map(|figure| figure.statistic);
                match shape {
                    None => {
                        let statistics: Vec<Statistic> = own().collect();
                        if !is_complete(&asked.kind, &statistics) {
                            return Err(refuse(row));
                        }
                        *shape = Some(statistics);
                    }
                    Some(statistics) if own().eq(statistics.iter().copied()) => {}
                    Some(_) => return Err(refuse(row)),
                }
                row += length;
            }
        }
    }
    if row == table.figures.len() { Ok(()) } else { Err(refuse(row)) }
}

/// As [`check_figures`], of the raw integers.
fn check_raw(
    table: &TableFigures,
    levels: &[(Option<medrec_domain::workload::Level>, Cells)],
) -> Result<(), String> {
    let mut raw = table.raw.iter();
    for (level, cells) in levels {
        for cell in cells {
            for (measure, asked) in (0_u32..).zip(&table.query.measures) {
                for component in (0_u32..).take(components(&asked.kind)) {
                    let fits = raw.next().is_some_and(|own| {
                        own.level == *level
                            && own.measure == measure
                            && own.component == component
                            && own.cell == *cell
                    });
                    if !fits {
                        return Err(format!(
                            "table {}: the raw integers are not those of the plan",
                            table.query.name
                        ));
                    }
                }
            }
        }
    }
    match raw.next() {
        None => Ok(()),
        Some(_) => Err(format!("table {}: there are more raw integers than cells", table.query.name)),
    }
}

/// Withheld figures have no number, in the figures nor among the raw integers; the manifest counts them.
pub(super) fn withheld(manifest: &Manifest, tables: &[TableFigures]) -> Finding {
    let mut total = 0;
    for (released, table) in manifest.tables.iter().zip(tables) {
        let refuse = |problem: &str| Err(format!("table {}: {problem}", table.query.name));
        let has_number = |figure: &Figure| {
            [figure.estimate, figure.standard_error, figure.lower, figure.upper].iter().any(Option::is_some)
        };
        if table.figures.iter().any(|figure| figure.withheld && has_number(figure)) {
            return refuse("a withheld figure has a number");
        }
        let withheld = table.figures.iter().filter(|figure| figure.withheld).count();
        if u64::try_from(withheld) != Ok(released.withheld) {
            return refuse("another number of figures is withheld than the manifest says");
        }
        if !raw_is_withheld(table) {
            return refuse("a withheld figure has its raw integer");
        }
        total += withheld;
    }
    Ok(format!("{total} figures withheld"))
}

/// Where every figure of a cell's measure is withheld none of its integers is there; a withheld bin has none.
fn raw_is_withheld(table: &TableFigures) -> bool {
    let mut figures = table.figures.as_slice();
    let mut raw = table.raw.as_slice();
    while let Some(first) = figures.first() {
        let same = |figure: &&Figure| {
            figure.measure == first.measure && figure.level == first.level && figure.cell == first.cell
        };
        let (own, rest) = figures.split_at(figures.iter().take_while(same).count());
        figures = rest;
        let kind = usize::try_from(first.measure).ok().and_then(|index| table.query.measures.get(index));
        let Some(kind) = kind.map(|measure| &measure.kind) else { return false };
        let Some((integers, rest)) = raw.split_at_checked(components(kind)) else { return false };
        raw = rest;
        let is_histogram = matches!(kind, MeasureKind::Histogram { .. });
        let all = own.iter().all(|figure| figure.withheld);
        let hidden = |index: usize| all || (is_histogram && own.get(index).is_some_and(|bin| bin.withheld));
        if integers.iter().enumerate().any(|(index, integer)| hidden(index) && integer.value.is_some()) {
            return false;
        }
    }
    true
}

/// Counts are whole and not negative, none lies between 0 and the threshold, errors and intervals make sense.
pub(super) fn counts(manifest: &Manifest, tables: &[TableFigures]) -> Finding {
    let threshold = f64::from(manifest.query.small_cell_threshold);
    let mut seen = 0_u64;
    for (released, table) in manifest.tables.iter().zip(tables) {
        for figure in &table.figures {
            check_count(released, figure, threshold).map_err(|problem| {
                format!("table {}, {}: {problem}", table.query.name, cell_words(&table.query, figure))
            })?;
            seen += u64::from(figure.estimate.is_some());
        }
    }
    Ok(format!("{seen} published figures"))
}

fn cell_words(query: &TableQuery, figure: &Figure) -> String {
    let pairs = query.dimensions.iter().zip(figure.cell.iter());
    let words: Vec<String> = pairs.map(|(dimension, label)| format!("{dimension} {label:?}")).collect();
    if words.is_empty() { "the only cell".into() } else { words.join(", ") }
}

fn check_count(released: &ReleasedTable, figure: &Figure, threshold: f64) -> Result<(), String> {
    let numbers = [figure.estimate, figure.standard_error, figure.lower, figure.upper];
    if numbers.iter().flatten().any(|number| !number.is_finite()) {
        return Err("a number is not finite".into());
    }
    if figure.standard_error.is_some_and(|error| error < 0.0) {
        return Err("a standard error is negative".into());
    }
    if figure.lower.zip(figure.upper).is_some_and(|(lower, upper)| lower > upper) {
        return Err("an interval ends before it starts".into());
    }
    let Some(estimate) = figure.estimate else { return Ok(()) };
    let is_count = !matches!(figure.statistic, Statistic::Sum | Statistic::Mean | Statistic::Quantile { .. });
    if is_count && (estimate < 0.0 || estimate.fract() != 0.0) {
        return Err(format!("{estimate} is not a count"));
    }
    let is_cell = matches!(figure.statistic, Statistic::Persons | Statistic::Rows);
    if is_cell && estimate > 0.0 && estimate < threshold {
        return Err(format!("{estimate} is below the threshold {threshold} and not withheld"));
    }
    let kind = usize::try_from(figure.measure).ok().and_then(|index| released.query.measures.get(index));
    let bounds = kind.and_then(|measure| measure.kind.value()).map(|value| value.1);
    let is_value = matches!(figure.statistic, Statistic::Mean | Statistic::Quantile { .. });
    let outside =
        |bounds: &medrec_domain::Bounds| estimate < bounds.lower.to_f64() || estimate > bounds.upper.to_f64();
    if is_value && bounds.is_some_and(outside) {
        return Err(format!("{estimate} lies outside the bounds"));
    }
    Ok(())
}
