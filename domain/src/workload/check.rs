//! From a workload file to a checked workload.
//!
//! Every rule here exists because the release's guarantee or its shape would depend on it: bounds
//! that are missing cannot be filled in from data, and a field of another table cannot be counted.

mod measure;
mod source;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(super) use source::Source;
use source::Vocabulary;
use toml::Spanned;

use super::catalogue::{CONTRIBUTORS, Catalogue, CatalogueQuery};
use super::file;
use super::model::{CalendarUnit, Dimension, Level, Period, Workload};
use crate::date::CalendarDate;
use crate::error::DomainError;
use crate::privacy_loss::Rho;
use crate::schema::{ColumnKind, Field};
use crate::scope::ValueSets;

/// Counts below 11 are what CMS withholds (no cell of 1 to 10), so 11 is the default.
const DEFAULT_SMALL_CELL_THRESHOLD: u32 = 11;

/// Checks a workload: every table of it, and that it is not a catalogue.
pub(super) fn workload(source: &Source<'_>, file: file::File) -> Result<Workload, DomainError> {
    if let Some(query) = file.queries.first() {
        return source.refuse(&query.span(), "a workload has [[tables]]; [[queries]] belong to a catalogue");
    }
    if file.tables.is_empty() {
        return source.refuse(&file.name.span(), "the workload has no [[tables]]");
    }
    let vocabulary = vocabulary(source, file.dimensions, file.value_sets)?;
    let mut names = BTreeSet::new();
    let mut tables = Vec::with_capacity(file.tables.len());
    for raw in &file.tables {
        let table = table::table(source, raw, &vocabulary)?;
        if !names.insert(table.name.clone()) {
            return source.refuse(&raw.span(), format!("table {:?} appears twice", table.name));
        }
        tables.push(table);
    }
    Ok(Workload {
        name: source.name(&file.name)?,
        version: source.positive(Some(&file.version), "version")?,
        title: file.title.into_inner(),
        period: period(source, file.period.as_ref())?,
        hierarchy: hierarchy(source, &file.hierarchy)?,
        small_cell_threshold: file.small_cell_threshold.unwrap_or(DEFAULT_SMALL_CELL_THRESHOLD),
        dimensions: vocabulary.dimensions,
        value_sets: vocabulary.value_sets,
        tables,
    })
}

/// Checks a catalogue: every query of it, and that it is not a workload.
pub(super) fn catalogue(source: &Source<'_>, file: file::File) -> Result<Catalogue, DomainError> {
    if let Some(table) = file.tables.first() {
        return source.refuse(&table.span(), "a catalogue has [[queries]]; [[tables]] belong to a workload");
    }
    if let Some(period) = &file.period {
        return source.refuse(&period.span(), "each query of a catalogue has its own period");
    }
    if file.queries.is_empty() {
        return source.refuse(&file.name.span(), "the catalogue has no [[queries]]");
    }
    let vocabulary = vocabulary(source, file.dimensions, file.value_sets)?;
    let small_cell_threshold = file.small_cell_threshold.unwrap_or(DEFAULT_SMALL_CELL_THRESHOLD);
    let mut queries = BTreeMap::new();
    for raw in &file.queries {
        let query = query(source, raw.as_ref(), &vocabulary, small_cell_threshold)?;
        let name = query.table.name.clone();
        if queries.insert(name.clone(), query).is_some() {
            return source.refuse(&raw.span(), format!("query {name:?} appears twice"));
        }
    }
    Ok(Catalogue {
        name: source.name(&file.name)?,
        version: source.positive(Some(&file.version), "version")?,
        title: file.title.into_inner(),
        queries,
    })
}

fn query(
    source: &Source<'_>,
    raw: &file::Query,
    vocabulary: &Vocabulary,
    small_cell_threshold: u32,
) -> Result<CatalogueQuery, DomainError> {
    let rho: Rho = source.parsed(&raw.rho)?;
    if rho.is_zero() {
        return source.refuse(&raw.rho.span(), "rho is 0, which buys no answer");
    }
    let table = table::table(source, &raw.table, vocabulary)?;
    if table.name == CONTRIBUTORS {
        let problem = format!("{CONTRIBUTORS:?} is the name of the table that goes with every answer");
        return source.refuse(&raw.table.span(), problem);
    }
    // A query is hashed by itself, so it carries the parts of the vocabulary that it uses and no others.
    let dimensions: BTreeMap<_, _> = table
        .dimensions
        .iter()
        .filter_map(|name| Some((name.clone(), vocabulary.dimensions.get(name)?.clone())))
        .collect();
    let by_dimensions = dimensions.values().flat_map(|dimension| match dimension {
        Dimension::ValueSets { ids, .. } => ids.clone(),
        _ => Vec::new(),
    });
    let by_filters = table.filter.iter().filter_map(|condition| condition.value_set.clone());
    let used: BTreeSet<String> = by_dimensions.chain(by_filters).collect();
    let value_sets = used
        .into_iter()
        .filter_map(|id| vocabulary.value_sets.get(&id).cloned().map(|set| (id, set)))
        .collect();
    let period = period(source, raw.period.as_ref())?;
    Ok(CatalogueQuery {
        title: raw.title.as_ref().clone(),
        rho,
        period,
        small_cell_threshold,
        dimensions,
        value_sets,
        table,
    })
}

fn vocabulary(
    source: &Source<'_>,
    dimensions: BTreeMap<Spanned<String>, Spanned<file::Dimension>>,
    value_sets: BTreeMap<Spanned<String>, Spanned<crate::scope::ValueSet>>,
) -> Result<Vocabulary, DomainError> {
    let mut checked_sets = ValueSets::new();
    for (id, set) in value_sets {
        if set.as_ref().codes.values().all(BTreeSet::is_empty) {
            return source.refuse(&set.span(), format!("value set {:?} has no codes", id.as_ref()));
        }
        checked_sets.insert(source.name(&id)?, set.into_inner());
    }
    let mut checked = BTreeMap::new();
    for (name, raw) in dimensions {
        checked.insert(source.name(&name)?, dimension(source, &raw, &checked_sets)?);
    }
    Ok(Vocabulary { dimensions: checked, value_sets: checked_sets })
}

fn dimension(
    source: &Source<'_>,
    raw: &Spanned<file::Dimension>,
    value_sets: &ValueSets,
) -> Result<Dimension, DomainError> {
    let file::Dimension { level, field, values, value_sets: ids, age_bands, calendar } = raw.as_ref();
    match (level, field, values, ids, age_bands, calendar) {
        (Some(text), None, None, None, None, None) => Ok(Dimension::Level(self::level(source, text)?)),
        (None, Some(field), Some(values), None, None, None) => {
            let values = distinct(source, &raw.span(), values)?.into_iter().filter(|word| word != "other").collect();
            Ok(Dimension::Values { field: word_field(source, field)?, values })
        }
        (None, Some(field), None, Some(ids), None, None) => {
            let field_of_code: Field = word_field(source, field)?;
            if field_of_code.column.name != "code" {
                return source.refuse(&field.span(), format!("{field_of_code} is not a code, and value sets hold codes"));
            }
            if let Some(unknown) = ids.iter().find(|id| !value_sets.contains_key(id.as_ref())) {
                return source.refuse(&unknown.span(), format!("there is no [value_sets.{}]", unknown.as_ref()));
            }
            Ok(Dimension::ValueSets { field: field_of_code, ids: distinct(source, &raw.span(), ids)? })
        }
        (None, None, None, None, Some(bands), None) => {
            let bounds = bands.as_ref();
            let ascending = bounds.first() == Some(&0) && bounds.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascending || bounds.last().is_some_and(|&last| last > 90) {
                let rule = "age_bands start at 0, ascend, and end at 90 or below (ages over 89 are one band)";
                return source.refuse(&bands.span(), rule);
            }
            Ok(Dimension::AgeBands(bounds.clone()))
        }
        (None, None, None, None, None, Some(unit)) => Ok(Dimension::Calendar(calendar_unit(source, unit)?)),
        _ => source.refuse(
            &raw.span(),
            "a dimension has exactly one of: level, field with values, field with value_sets, age_bands, calendar",
        ),
    }
}

fn distinct(
    source: &Source<'_>,
    span: &Range<usize>,
    words: &[Spanned<String>],
) -> Result<Vec<String>, DomainError> {
    let mut seen = BTreeSet::new();
    for word in words {
        if !seen.insert(word.as_ref()) {
            return source.refuse(&word.span(), format!("{:?} appears twice", word.as_ref()));
        }
    }
    if words.is_empty() {
        return source.refuse(span, "the dimension declares nothing");
    }
    Ok(words.iter().map(|word| word.as_ref().clone()).collect())
}

/// A field that holds words; numbers and dates have dimensions of their own, pseudonyms have none.
fn word_field(source: &Source<'_>, text: &Spanned<String>) -> Result<Field, DomainError> {
    let field: Field = source.parsed(text)?;
    if field.column.kind == ColumnKind::Word {
        return Ok(field);
    }
    source.refuse(&text.span(), format!("{field} does not hold words"))
}

fn level(source: &Source<'_>, text: &Spanned<String>) -> Result<Level, DomainError> {
    match text.as_ref().as_str() {
        "nation" => Ok(Level::Nation),
        "region" => Ok(Level::Region),
        "organisation" => Ok(Level::Organisation),
        other => {
            source.refuse(&text.span(), format!("level {other:?} is not one of nation, region, organisation"))
        }
    }
}

fn calendar_unit(source: &Source<'_>, text: &Spanned<String>) -> Result<CalendarUnit, DomainError> {
    match text.as_ref().as_str() {
        "week" => Ok(CalendarUnit::Week),
        "month" => Ok(CalendarUnit::Month),
        "quarter" => Ok(CalendarUnit::Quarter),
        "year" => Ok(CalendarUnit::Year),
        other => source
            .refuse(&text.span(), format!("calendar {other:?} is not one of week, month, quarter, year")),
    }
}

fn hierarchy(source: &Source<'_>, texts: &[Spanned<String>]) -> Result<Vec<Level>, DomainError> {
    let levels: Vec<_> = texts.iter().map(|text| level(source, text)).collect::<Result<_, _>>()?;
    match levels.windows(2).position(|pair| pair[0] >= pair[1]) {
        None => Ok(levels),
        Some(index) => {
            source.refuse(&texts[index + 1].span(), "hierarchy goes from nation over region to organisation")
        }
    }
}

fn period(source: &Source<'_>, raw: Option<&Spanned<file::Period>>) -> Result<Period, DomainError> {
    let Some(raw) = raw else { return Ok(Period::Window) };
    let file::Period { last_days, from, until } = raw.as_ref();
    match (last_days, from, until) {
        (None, None, None) => Ok(Period::Window),
        (Some(days), None, None) if (1..=36_525).contains(days) => Ok(Period::LastDays(*days)),
        (Some(_), None, None) => source.refuse(&raw.span(), "last_days must lie between 1 and 36525"),
        (None, Some(from), Some(until)) => {
            let (first, last): (CalendarDate, CalendarDate) = (source.parsed(from)?, source.parsed(until)?);
            if first >= last {
                return source.refuse(&until.span(), format!("until {last} does not lie after from {first}"));
            }
            Ok(Period::Between { from: first, until: last })
        }
        _ => source.refuse(
            &raw.span(),
            "a period has last_days, or from and until, or neither (the release's window)",
        ),
    }
}
