//! Withholds small cells of made-up tables, and enough others that none can be derived.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use medrec_anonymizer::figures::{Statistic, TableFigures};
use medrec_domain::workload::{Level, MeasureKind};

type Cell = Arc<[Arc<str>]>;
/// Labels of a cell at a coarser level.
type Parent<'a> = &'a dyn Fn(&Cell, Option<Level>) -> Vec<Arc<str>>;
type Key = (Option<Level>, Vec<Arc<str>>, u32);

/// Withholds counts from 1 to below the threshold with everything of their cell and measure, then, until nothing
/// changes, a second part where one alone is withheld under a published total, and a part of a withheld total.
pub(crate) fn withhold(
    table: &mut TableFigures,
    levels: &[Option<Level>],
    parent: Parent<'_>,
    threshold: u32,
) {
    let threshold = f64::from(threshold);
    let mut sizes: BTreeMap<Key, f64> = BTreeMap::new();
    let mut children: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
    for figure in &table.figures {
        let key = (figure.level, figure.cell.to_vec(), figure.measure);
        let is_new = sizes.insert(key.clone(), figure.estimate.unwrap_or(0.0)).is_none();
        let place = levels.iter().position(|level| *level == figure.level).unwrap();
        if let (true, Some(coarse)) = (is_new, levels.get(place + 1)) {
            children.entry((*coarse, parent(&figure.cell, *coarse), figure.measure)).or_default().push(key);
        }
    }
    let counts = |key: &Key| {
        let kind = &table.query.measures[usize::try_from(key.2).unwrap()].kind;
        matches!(kind, MeasureKind::PersonCount | MeasureKind::RowCount)
    };
    let small =
        |(key, size): (&Key, &f64)| (counts(key) && *size > 0.0 && *size < threshold).then(|| key.clone());
    let mut hidden: BTreeSet<Key> = sizes.iter().filter_map(small).collect();
    loop {
        let before = hidden.len();
        for (total, parts) in &children {
            let inside = parts.iter().filter(|part| hidden.contains(*part)).count();
            let needs =
                if hidden.contains(total) { usize::from(inside == 0) } else { usize::from(inside == 1) };
            let mut open: Vec<&Key> = parts.iter().filter(|part| !hidden.contains(*part)).collect();
            open.sort_by(|one, other| sizes[*one].total_cmp(&sizes[*other]));
            hidden.extend(open.into_iter().take(needs).cloned());
        }
        if hidden.len() == before {
            break;
        }
    }
    for figure in &mut table.figures {
        let is_hidden = hidden.contains(&(figure.level, figure.cell.to_vec(), figure.measure));
        if is_hidden {
            figure.withheld = true;
            (figure.estimate, figure.standard_error, figure.lower, figure.upper) = (None, None, None, None);
        }
        // A mean over nobody is not defined.
        if figure.statistic == Statistic::Mean && figure.estimate.is_some_and(f64::is_nan) {
            figure.estimate = None;
        }
    }
    for raw in &mut table.raw {
        if hidden.contains(&(raw.level, raw.cell.to_vec(), raw.measure)) {
            raw.value = None;
        }
    }
}
