//! Totals along the hierarchy: parts add up, and no withheld part can be had by subtraction.

use std::collections::BTreeMap;
use std::sync::Arc;

use medrec_domain::Manifest;
use medrec_domain::workload::{Level, MeasureKind, TableQuery};

use super::verdict::Finding;
use crate::bundle::names::statistic_text;
use crate::figures::{ALL, Figure, Statistic, TableFigures};

/// A cell's part in a total.
#[derive(Default)]
struct Parts {
    sum: f64,
    withheld: usize,
}

type Key = (Vec<Arc<str>>, u32, String);

/// Checks every table that has more than one level.
pub(super) fn check(manifest: &Manifest, tables: &[TableFigures]) -> Finding {
    let mut totals = 0;
    for table in tables.iter().filter(|_| !manifest.query.hierarchy.is_empty()) {
        let mut levels: Vec<Option<Level>> = Vec::new();
        for noise in &table.noise {
            if !levels.contains(&noise.level) {
                levels.push(noise.level);
            }
        }
        for pair in levels.windows(2) {
            totals += check_levels(table, pair[0], pair[1])
                .map_err(|problem| format!("table {}: {problem}", table.query.name))?;
        }
    }
    Ok(format!("{totals} totals"))
}

/// Whether a coarser level is the sum of the finer one. Persons are not, where one may count at several places.
fn is_additive(query: &TableQuery, figure: &Figure) -> bool {
    let kind = usize::try_from(figure.measure).ok().and_then(|index| query.measures.get(index));
    match kind.map(|measure| &measure.kind) {
        Some(MeasureKind::PersonCount) => query.rows_per_person == 1,
        Some(MeasureKind::RowCount) => true,
        Some(MeasureKind::Histogram { .. }) => matches!(figure.statistic, Statistic::Bin { .. }),
        _ => false,
    }
}

fn check_levels(table: &TableFigures, fine: Option<Level>, coarse: Option<Level>) -> Result<usize, String> {
    let additive = |level| {
        table.figures.iter().filter(move |figure| figure.level == level && is_additive(&table.query, figure))
    };
    // Dimensions that the coarser level sums over are those whose labels are all there.
    let summed: Vec<bool> = (0..table.query.dimensions.len())
        .map(|index| {
            additive(coarse).all(|figure| figure.cell.get(index).is_some_and(|label| label.as_ref() == ALL))
        })
        .collect();
    let all: Arc<str> = Arc::from(ALL);
    let mut parts: BTreeMap<Key, Parts> = BTreeMap::new();
    for figure in additive(fine) {
        let labels = figure.cell.iter().zip(&summed);
        let labels =
            labels.map(|(label, &summed)| if summed { all.clone() } else { label.clone() }).collect();
        let own = parts.entry((labels, figure.measure, statistic_text(&figure.statistic))).or_default();
        own.sum += figure.estimate.unwrap_or(0.0);
        own.withheld += usize::from(figure.withheld);
    }
    let mut totals = 0;
    for figure in additive(coarse) {
        let key = (figure.cell.to_vec(), figure.measure, statistic_text(&figure.statistic));
        let Some(own) = parts.get(&key) else { continue };
        let cell = || figure.cell.join(", ");
        if figure.withheld && own.withheld == 0 {
            return Err(format!("the withheld total of {} is the sum of its parts", cell()));
        }
        let Some(total) = figure.estimate else { continue };
        #[expect(clippy::float_cmp, reason = "both are whole numbers far below 2^53")]
        let differs = own.withheld == 0 && own.sum != total;
        if differs {
            return Err(format!("the parts of {} are {}, their total says {total}", cell(), own.sum));
        }
        if own.withheld == 1 {
            return Err(format!("the withheld part of {} is its total less the others", cell()));
        }
        totals += 1;
    }
    Ok(totals)
}
