//! Checks of one table: its dimensions, filter and contribution limit.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::file;
use super::super::model::{Condition, Dimension, TableQuery};
use super::measure;
use super::source::{Source, Vocabulary};
use crate::error::DomainError;
use crate::schema::{ColumnKind, Field, Table};

pub(super) fn table(
    source: &Source<'_>,
    raw: &Spanned<file::Table>,
    vocabulary: &Vocabulary,
) -> Result<TableQuery, DomainError> {
    let file = raw.as_ref();
    let of: Table = source.parsed(&file.of)?;
    if of == Table::Organisation {
        return source.refuse(&file.of.span(), "organisations are public and are not counted");
    }
    let mut dimensions = BTreeSet::new();
    for name in &file.dimensions {
        dimension(source, name, of, vocabulary)?;
        if !dimensions.insert(name.as_ref()) {
            return source.refuse(&name.span(), format!("dimension {:?} appears twice", name.as_ref()));
        }
    }
    let filter =
        file.filter.iter().map(|raw| condition(source, raw, of, vocabulary)).collect::<Result<_, _>>()?;
    Ok(TableQuery {
        name: source.name(&file.name)?,
        of,
        dimensions: file.dimensions.iter().map(|name| name.as_ref().clone()).collect(),
        measures: measure::measures(source, &file.measures, of)?,
        filter,
        rows_per_person: rows_per_person(source, raw, of)?,
        weight: source.positive(file.weight.as_ref(), "weight")?,
    })
}

/// The contribution limit. It has no default: the sensitivity of every measure rests on it.
fn rows_per_person(source: &Source<'_>, raw: &Spanned<file::Table>, of: Table) -> Result<u32, DomainError> {
    match (&raw.as_ref().rows_per_person, of) {
        (None, Table::Person) => Ok(1),
        (Some(limit), Table::Person) if *limit.as_ref() != 1 => {
            source.refuse(&limit.span(), "a person has one row in table person, so rows_per_person is 1")
        }
        (None, _) => source.refuse(&raw.span(), format!("a table of {of} rows needs rows_per_person")),
        (Some(limit), _) => source.positive(Some(limit), "rows_per_person"),
    }
}

fn dimension(
    source: &Source<'_>,
    name: &Spanned<String>,
    of: Table,
    vocabulary: &Vocabulary,
) -> Result<(), DomainError> {
    let Some(dimension) = vocabulary.dimensions.get(name.as_ref()) else {
        return source.refuse(&name.span(), format!("there is no [dimensions.{}]", name.as_ref()));
    };
    match dimension {
        Dimension::Values { field, .. } | Dimension::ValueSets { field, .. } => {
            reachable(source, name, *field, of)
        }
        Dimension::Calendar(_) if of.date_column().is_none() => {
            source.refuse(&name.span(), format!("rows of {of} have no date"))
        }
        Dimension::Level(_) | Dimension::AgeBands(_) | Dimension::Calendar(_) => Ok(()),
    }
}

/// Every row knows its own columns and its person's.
fn reachable(
    source: &Source<'_>,
    place: &Spanned<String>,
    field: Field,
    of: Table,
) -> Result<(), DomainError> {
    if field.table == of || field.table == Table::Person {
        return Ok(());
    }
    source.refuse(&place.span(), format!("{field} is no field of {of} rows nor of their persons"))
}

fn condition(
    source: &Source<'_>,
    raw: &Spanned<file::Condition>,
    of: Table,
    vocabulary: &Vocabulary,
) -> Result<Condition, DomainError> {
    let condition = raw.as_ref();
    let field: Field = source.parsed(&condition.field)?;
    reachable(source, &condition.field, field, of)?;
    if field.column.kind != ColumnKind::Word {
        return source.refuse(&condition.field.span(), format!("{field} does not hold words"));
    }
    match (&condition.any_of, &condition.value_set) {
        (Some(words), None) if !words.is_empty() => {
            Ok(Condition { field, any_of: words.clone(), value_set: None })
        }
        (None, Some(id)) if !vocabulary.value_sets.contains_key(id.as_ref()) => {
            source.refuse(&id.span(), format!("there is no [value_sets.{}]", id.as_ref()))
        }
        (None, Some(id)) if field.column.name == "code" => {
            Ok(Condition { field, any_of: Vec::new(), value_set: Some(id.as_ref().clone()) })
        }
        (None, Some(id)) => {
            source.refuse(&id.span(), format!("{field} is not a code, and value sets hold codes"))
        }
        _ => source.refuse(&raw.span(), "a condition has a non-empty any_of, or a value_set"),
    }
}
