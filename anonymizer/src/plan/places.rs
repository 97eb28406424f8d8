//! The axis of place: nation, region and organisation as one axis of the combinations that exist.
//!
//! An organisation lies in one region, so the product of both would be mostly cells that cannot hold
//! anybody. The axis has one position for each combination in the public list, and a last one, all
//! `unknown`, for rows whose organisation is not in it.

use medrec_domain::manifest::Axis;
use medrec_domain::workload::Level;
use medrec_domain::workload::cells::{PublicOrganisation, UNKNOWN};

use super::layout::{Coarser, KeptLabels};

/// Labels of an organisation on the place dimensions.
fn labels(places: &[(String, Level)], organisation: &PublicOrganisation) -> Vec<String> {
    places.iter().map(|(_, level)| organisation.label(*level).to_owned()).collect()
}

/// The axis of the place dimensions.
pub(super) fn axis(places: &[(String, Level)], organisations: &[PublicOrganisation]) -> Axis {
    let unknown = vec![UNKNOWN.to_owned(); places.len()];
    let mut positions: Vec<Vec<String>> =
        organisations.iter().map(|organisation| labels(places, organisation)).collect();
    positions.sort_unstable();
    positions.dedup();
    positions.retain(|position| *position != unknown);
    positions.push(unknown);
    Axis { dimensions: places.iter().map(|(name, _)| name.clone()).collect(), labels: positions }
}

/// Levels of the hierarchy above the finest place dimension, finer ones first.
///
/// A level that is a dimension of the table keeps its labels; the coarsest one that is not becomes
/// the total over all places, since its own labels do not appear in the table.
pub(super) fn coarser(hierarchy: &[Level], places: &[(String, Level)], axis: &Axis) -> Vec<(Level, Coarser)> {
    let Some(finest) = places.iter().map(|(_, level)| *level).max() else { return Vec::new() };
    let mut above: Vec<Level> = hierarchy.iter().copied().filter(|level| *level < finest).collect();
    above.sort_unstable();
    above.reverse();
    let named = |level: Level| places.iter().any(|(_, own)| *own == level);
    let mut levels = Vec::new();
    for &level in above.iter().filter(|level| named(**level)) {
        levels.push((level, merged(places, axis, Some(level))));
    }
    let coarsest_named = above.iter().copied().filter(|level| named(*level)).min();
    let total = above.iter().copied().filter(|level| !named(*level)).min();
    // A total under a named level would not be coarser than it.
    if let Some(level) = total.filter(|level| coarsest_named.is_none_or(|named| *level < named)) {
        levels.push((level, merged(places, axis, None)));
    }
    levels
}

/// Positions that agree on every dimension at or above `level` merge; without a level all do.
fn merged(places: &[(String, Level)], axis: &Axis, level: Option<Level>) -> Coarser {
    let keep = |labels: &[String]| KeptLabels {
        labels: places
            .iter()
            .zip(labels)
            .map(|((_, own), label)| level.is_some_and(|level| *own <= level).then(|| label.clone()))
            .collect(),
    };
    let mut kept: Vec<KeptLabels> = Vec::new();
    let mut place_of = Vec::new();
    for labels in &axis.labels {
        let own = keep(labels);
        let position = kept.iter().position(|other| *other == own).unwrap_or_else(|| {
            kept.push(own);
            kept.len() - 1
        });
        place_of.push(u32::try_from(position).unwrap_or(u32::MAX));
    }
    Coarser { place_of, kept }
}
