//! `measure-report.ndjson`: FHIR R4 `MeasureReport`, one summary report a line for each measure that counts.
//!
//! A count is `population.count`, an integer of at least 0; a mean or sum is the stratum's `measureScore`
//! beside the count of its values; a bin of a histogram is one more component of its stratum. Quantiles have no
//! place in this resource and stand in the tables alone. A withheld count is absent with the reason
//! `masked`, so that no reader takes it for zero.

use medrec_domain::workload::MeasureKind;
use serde_json::{Map, Value, json};

use super::names::{level_text, measure_names, number_text};
use super::release::Release;
use super::{json, wording};
use crate::error::AnonymizerError;
use crate::figures::{ALL, Figure, Statistic, TableFigures};

/// Why a value is not there (FHIR's own extension).
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// The lines of the file.
///
/// # Errors
/// [`AnonymizerError::Bundle`] naming the table when a count is not a whole number of at least 0.
pub(super) fn measure_reports(release: &Release) -> Result<Vec<u8>, AnonymizerError> {
    let mut lines = Vec::new();
    for table in &release.tables {
        for (index, name) in (0_u32..).zip(measure_names(&table.query)) {
            let kind = &table.query.measures[index as usize].kind;
            if matches!(kind, MeasureKind::Quantiles { .. }) {
                continue;
            }
            lines.extend(json::line(&measure_report(release, table, index, &name)?));
        }
    }
    Ok(lines)
}

fn measure_report(
    release: &Release,
    table: &TableFigures,
    measure: u32,
    name: &str,
) -> Result<Value, AnonymizerError> {
    let manifest = &release.manifest;
    let last_day = manifest.window_until.plus_days(-1).unwrap_or(manifest.window_from);
    let own: Vec<&Figure> = table.figures.iter().filter(|figure| figure.measure == measure).collect();
    let strata = own
        .iter()
        .enumerate()
        .filter(|(_, figure)| is_count(&figure.statistic))
        .map(|(index, figure)| stratum(table, figure, &own[index + 1..]))
        .collect::<Result<Vec<_>, AnonymizerError>>()?;
    Ok(json!({
        "resourceType": "MeasureReport",
        "extension": [{ "url": "urn:medrec:rho", "valueString": manifest.privacy.rho.to_string() }],
        "status": "complete",
        "type": "summary",
        "measure": format!("urn:medrec:query:{}:{}:{name}", manifest.query.digest, table.query.name),
        "date": manifest.window_until.to_string(),
        "reporter": { "display": wording::publisher(&manifest.occasion) },
        "period": { "start": manifest.window_from.to_string(), "end": last_day.to_string() },
        "group": [{
            "code": { "text": wording::table(&table.query) },
            "stratifier": [{ "code": [{ "text": "cell" }], "stratum": strata }],
        }],
    }))
}

const fn is_count(statistic: &Statistic) -> bool {
    matches!(statistic, Statistic::Persons | Statistic::Rows | Statistic::Values | Statistic::Bin { .. })
}

fn stratum(table: &TableFigures, figure: &Figure, next: &[&Figure]) -> Result<Value, AnonymizerError> {
    let mut components = vec![component("level", level_text(figure.level))];
    for (dimension, label) in table.query.dimensions.iter().zip(figure.cell.iter()) {
        if label.as_ref() != ALL {
            components.push(component(dimension, label));
        }
    }
    if let Statistic::Bin { lower, upper } = figure.statistic {
        components.push(component("bin", &format!("{lower} to {upper}")));
    }
    let mut population = Map::new();
    population.insert("code".into(), json!({ "text": what(&figure.statistic) }));
    match figure.estimate {
        Some(estimate) => population.insert("count".into(), count(table, estimate)?),
        None => population.insert("_count".into(), absent(figure)),
    };
    let mut stratum = Map::new();
    stratum.insert("component".into(), components.into());
    stratum.insert("population".into(), json!([population]));
    if figure.statistic == Statistic::Values
        && let Some(score) = score(figure, next)
    {
        stratum.insert("measureScore".into(), json!({ "value": score }));
    }
    Ok(stratum.into())
}

fn component(code: &str, value: &str) -> Value {
    json!({ "code": { "text": code }, "value": { "text": value } })
}

const fn what(statistic: &Statistic) -> &'static str {
    match statistic {
        Statistic::Persons => "persons",
        Statistic::Values => "values",
        _ => "rows",
    }
}

fn absent(figure: &Figure) -> Value {
    let reason = if figure.withheld { "masked" } else { "not-applicable" };
    json!({ "extension": [{ "url": ABSENT, "valueCode": reason }] })
}

/// The mean of the same cell, or its sum where there is no mean; both follow the count.
fn score(figure: &Figure, next: &[&Figure]) -> Option<f64> {
    let cell: Vec<_> =
        next.iter().take_while(|other| other.level == figure.level && other.cell == figure.cell).collect();
    let of = |statistic: &Statistic| cell.iter().find(|other| other.statistic == *statistic)?.estimate;
    of(&Statistic::Mean).or_else(|| of(&Statistic::Sum))
}

/// A count as FHIR's integer, which has 32 bits.
fn count(table: &TableFigures, estimate: f64) -> Result<Value, AnonymizerError> {
    let whole = number_text(estimate).parse::<i32>().ok().filter(|&count| count >= 0);
    let problem = || format!("{} is not a count", number_text(estimate));
    whole
        .map(Value::from)
        .ok_or_else(|| AnonymizerError::bundle(format!("table {}", table.query.name), problem()))
}
