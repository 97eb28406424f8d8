//! Checks of the measures of a table: bounds, bins, levels.

use toml::Spanned;

use super::super::file;
use super::super::model::{Measure, MeasureKind};
use super::source::Source;
use crate::bounds::Bounds;
use crate::decimal::Decimal;
use crate::error::DomainError;
use crate::schema::{ColumnKind, Field, Table};

/// Most bins of a histogram: more would leave each with noise alone.
const MOST_BINS: u32 = 4096;

pub(super) fn measures(
    source: &Source<'_>,
    raw: &Spanned<Vec<Spanned<file::Measure>>>,
    of: Table,
) -> Result<Vec<Measure>, DomainError> {
    if raw.as_ref().is_empty() {
        return source.refuse(&raw.span(), "the table measures nothing");
    }
    raw.as_ref()
        .iter()
        .map(|raw| {
            let weight = source.positive(raw.as_ref().weight.as_ref(), "weight")?;
            Ok(Measure { kind: kind(source, raw, of)?, weight })
        })
        .collect()
}

fn kind(source: &Source<'_>, raw: &Spanned<file::Measure>, of: Table) -> Result<MeasureKind, DomainError> {
    let measure = raw.as_ref();
    let name = measure.kind.as_ref().as_str();
    let refuse = |problem: &str| source.refuse(&raw.span(), format!("{name} {problem}"));
    let counts = matches!(name, "person-count" | "row-count");
    let no_bounds = measure.lower.is_none() && measure.upper.is_none() && measure.step.is_none();
    if counts && !(measure.field.is_none() && no_bounds) {
        return refuse("has no field and no bounds");
    }
    if measure.bins.is_some() != (name == "histogram") {
        return refuse(if name == "histogram" { "needs bins" } else { "has no bins" });
    }
    if measure.levels.is_some() != (name == "quantiles") {
        return refuse(if name == "quantiles" { "needs levels" } else { "has no levels" });
    }
    match name {
        "person-count" => Ok(MeasureKind::PersonCount),
        "row-count" => Ok(MeasureKind::RowCount),
        "sum" | "mean" | "histogram" | "quantiles" => {
            let field = value_field(source, raw, of)?;
            let bounds = bounds(source, raw)?;
            match (&measure.bins, &measure.levels) {
                (Some(bins), _) => {
                    Ok(MeasureKind::Histogram { field, bounds, bins: self::bins(source, bins)? })
                }
                (_, Some(levels)) => {
                    Ok(MeasureKind::Quantiles { field, bounds, levels: self::levels(source, levels)? })
                }
                _ if name == "sum" => Ok(MeasureKind::Sum { field, bounds }),
                _ => Ok(MeasureKind::Mean { field, bounds }),
            }
        }
        _ => source.refuse(
            &measure.kind.span(),
            format!(
                "measure {name:?} is not one of person-count, row-count, sum, mean, histogram, quantiles"
            ),
        ),
    }
}

fn value_field(source: &Source<'_>, raw: &Spanned<file::Measure>, of: Table) -> Result<Field, DomainError> {
    let Some(text) = &raw.as_ref().field else {
        return source.refuse(&raw.span(), format!("{} needs a field", raw.as_ref().kind.as_ref()));
    };
    let field: Field = source.parsed(text)?;
    if field.table != of || field.column.kind != ColumnKind::Number {
        return source.refuse(&text.span(), format!("{field} is no number of {of} rows"));
    }
    Ok(field)
}

/// Bounds have no default: they must not come from the data.
fn bounds(source: &Source<'_>, raw: &Spanned<file::Measure>) -> Result<Bounds, DomainError> {
    let measure = raw.as_ref();
    let (Some(lower), Some(upper), Some(step)) = (measure.lower, measure.upper, measure.step) else {
        let problem = format!("{} needs lower, upper and step", measure.kind.as_ref());
        return source.refuse(&raw.span(), problem);
    };
    let bounds = Bounds { lower, upper, step };
    bounds.check().map_err(|error| source.error(&raw.span(), error.to_string()))?;
    Ok(bounds)
}

fn bins(source: &Source<'_>, bins: &Spanned<u32>) -> Result<u32, DomainError> {
    if (2..=MOST_BINS).contains(bins.as_ref()) {
        return Ok(*bins.as_ref());
    }
    source.refuse(&bins.span(), format!("bins must lie between 2 and {MOST_BINS}"))
}

fn levels(source: &Source<'_>, levels: &Spanned<Vec<Decimal>>) -> Result<Vec<Decimal>, DomainError> {
    let inside = |level: &Decimal| level.is_positive() && *level < Decimal::from_integer(1);
    let list = levels.as_ref();
    if list.is_empty() || !list.iter().all(inside) || !list.windows(2).all(|pair| pair[0] < pair[1]) {
        return source.refuse(&levels.span(), "levels lie strictly between 0 and 1 and ascend");
    }
    Ok(list.clone())
}
