//! The rows that a table must have: levels, cells and their order, derived from public parameters alone.
//!
//! Written from docs/BUNDLE.md and not shared with the code that plans a release, so that one mistake in
//! either shows.

use std::sync::Arc;

use medrec_domain::manifest::{Axis, Occasion, ReleasedTable};
use medrec_domain::workload::cells::Window;
use medrec_domain::workload::{Dimension, Level};
use medrec_domain::{Manifest, Workload};

use crate::figures::ALL;

/// More finest cells than any release has; a manifest that asks for more wants to exhaust the reader.
const MOST_CELLS: u64 = 1 << 24;

/// Cells of one level, each with one label a dimension.
pub(super) type Cells = Vec<Arc<[Arc<str>]>>;

/// The levels of a table with their cells, finest first.
pub(super) fn levels(
    manifest: &Manifest,
    workload: &Workload,
    table: &ReleasedTable,
) -> Result<Vec<(Option<Level>, Cells)>, String> {
    let refuse = |problem: String| format!("table {}: {problem}", table.query.name);
    if table.cells > MOST_CELLS {
        return Err(refuse(format!("{} cells are more than {MOST_CELLS}", table.cells)));
    }
    let places = places(workload, table);
    check_axes(manifest, workload, table, &places).map_err(refuse)?;
    let mut stated: Vec<Option<Level>> = Vec::new();
    for noise in &table.noise {
        if !stated.contains(&noise.level) {
            stated.push(noise.level);
        }
    }
    let expected = expected_levels(&manifest.query.hierarchy, &places);
    let is_part = matches!(manifest.occasion, Occasion::CensusShard { .. });
    let known = stated.iter().all(|level| expected.contains(level));
    if !known || (!is_part && stated != expected) {
        return Err(refuse("its noise is stated for other levels than the query's".into()));
    }
    for measure in 0..table.query.measures.len() {
        let own = table.noise.iter().filter(|noise| usize::try_from(noise.measure) == Ok(measure));
        if !own.map(|noise| noise.level).eq(stated.iter().copied()) {
            return Err(refuse(format!("measure {measure} has not one noise for each level")));
        }
    }
    let in_order = table.noise.windows(2).all(|pair| pair[0].measure <= pair[1].measure);
    if !in_order
        || table.noise.iter().any(|noise| {
            usize::try_from(noise.measure).map_or(true, |index| index >= table.query.measures.len())
        })
    {
        return Err(refuse("its noise is not in the order of its measures".into()));
    }
    Ok(stated.into_iter().map(|level| (level, cells(table, &places, level))).collect())
}

/// Place dimensions of a table with their levels, in the query's order.
fn places(workload: &Workload, table: &ReleasedTable) -> Vec<(String, Level)> {
    let level = |name: &String| match workload.dimensions.get(name) {
        Some(Dimension::Level(level)) => Some((name.clone(), *level)),
        _ => None,
    };
    table.query.dimensions.iter().filter_map(level).collect()
}

/// Levels at which a table is taken: its own, the coarser ones that it names, and the total.
fn expected_levels(hierarchy: &[Level], places: &[(String, Level)]) -> Vec<Option<Level>> {
    let mut levels = vec![None];
    let Some(finest) = places.iter().map(|place| place.1).max() else { return levels };
    let mut above: Vec<Level> = hierarchy.iter().copied().filter(|level| *level < finest).collect();
    above.sort_unstable_by(|one, other| other.cmp(one));
    let named = |level: &Level| places.iter().any(|place| place.1 == *level);
    let coarsest_named = above.iter().copied().filter(named).min();
    let total = above.iter().copied().filter(|level| !named(level)).min();
    levels.extend(above.iter().copied().filter(named).map(Some));
    levels.extend(total.filter(|total| coarsest_named.is_none_or(|named| *total < named)).map(Some));
    levels
}

/// Axes are those of the workload: declared labels in their order; of place, labels without repeats.
fn check_axes(
    manifest: &Manifest,
    workload: &Workload,
    table: &ReleasedTable,
    places: &[(String, Level)],
) -> Result<(), String> {
    let window = Window { from: manifest.window_from, until: manifest.window_until };
    let period = workload.period.within(window);
    let is_part = matches!(manifest.occasion, Occasion::CensusShard { .. });
    for axis in &table.axes {
        let is_place = axis.dimensions.iter().all(|name| places.iter().any(|place| place.0 == *name));
        if is_place && axis.dimensions.len() == places.len() {
            check_place(axis)?;
            continue;
        }
        let [name] = axis.dimensions.as_slice() else {
            return Err("an axis holds dimensions that are not of place".into());
        };
        let declared = workload.dimensions.get(name).ok_or_else(|| format!("{name} is no dimension"))?;
        let declared = declared.labels(&[], period);
        let own: Vec<&String> = axis.labels.iter().flatten().collect();
        let mut rest = declared.iter();
        let in_order = own.iter().all(|label| rest.any(|other| other == *label));
        if !in_order || (!is_part && own.len() != declared.len()) {
            return Err(format!("the labels of {name} are not those that the query declares"));
        }
    }
    Ok(())
}

fn check_place(axis: &Axis) -> Result<(), String> {
    let mut sorted: Vec<&Vec<String>> = axis.labels.iter().collect();
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("a place appears twice".into());
    }
    Ok(())
}

/// Cells of a level: positions of place merge where they agree on what the level keeps.
fn cells(table: &ReleasedTable, places: &[(String, Level)], level: Option<Level>) -> Cells {
    let dimensions = &table.query.dimensions;
    let all: Arc<str> = Arc::from(ALL);
    let mut cells: Vec<Vec<Arc<str>>> = vec![vec![all.clone(); dimensions.len()]];
    for axis in &table.axes {
        let kept: Vec<bool> = axis.dimensions.iter().map(|name| keeps(places, name, level)).collect();
        let indices: Vec<Option<usize>> =
            axis.dimensions.iter().map(|name| dimensions.iter().position(|own| own == name)).collect();
        let mut positions: Vec<Vec<Arc<str>>> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for labels in &axis.labels {
            let own: Vec<Arc<str>> = labels
                .iter()
                .zip(&kept)
                .map(|(label, &kept)| if kept { Arc::from(label.as_str()) } else { all.clone() })
                .collect();
            if seen.insert(own.clone()) {
                positions.push(own);
            }
        }
        cells = cells
            .iter()
            .flat_map(|cell| {
                positions.iter().map(|position| {
                    let mut cell = cell.clone();
                    for (index, label) in indices.iter().zip(position) {
                        if let Some(slot) = index.and_then(|index| cell.get_mut(index)) {
                            *slot = label.clone();
                        }
                    }
                    cell
                })
            })
            .collect();
    }
    cells.into_iter().map(Arc::from).collect()
}

/// Whether a level keeps the labels of a dimension. The total, whose level the table does not name, keeps no place.
pub(super) fn keeps(places: &[(String, Level)], dimension: &str, level: Option<Level>) -> bool {
    let Some(place) = places.iter().find(|place| place.0 == dimension) else { return true };
    let Some(level) = level else { return true };
    places.iter().any(|other| other.1 == level) && place.1 <= level
}
