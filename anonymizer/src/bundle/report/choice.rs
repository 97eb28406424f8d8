//! Which plots a table gets: decided from its dimensions and statistics, for any workload.

use medrec_domain::Workload;
use medrec_domain::workload::{Level, MeasureKind};

use super::bars::{bars, pyramid};
use super::plot::Plot;
use super::series::{Line, MOST_LINES, MOST_SHARED_STEPS, columns, series};
use super::values::{Group, boxes, dots};
use super::view::{Point, Roles, is_summable, levels, points};
use crate::bundle::names::level_text;
use crate::bundle::wording;
use crate::figures::{Statistic, TableFigures};

/// A measure of a table, about to be plotted.
struct Subject<'a> {
    workload: &'a Workload,
    table: &'a TableFigures,
    kind: &'a MeasureKind,
    measure: u32,
    roles: Roles,
    /// Coarsest level there is: all places together where the hierarchy has that.
    level: Option<Level>,
}

/// The plots of a measure; none for a single number.
pub(super) fn plots(workload: &Workload, table: &TableFigures, measure: u32, id: &str) -> Vec<Plot> {
    let Some(asked) = usize::try_from(measure).ok().and_then(|index| table.query.measures.get(index)) else {
        return Vec::new();
    };
    let roles = Roles::of(workload, &table.query);
    let level = levels(table).last().copied().flatten();
    let subject = Subject { workload, table, kind: &asked.kind, measure, roles, level };
    match &asked.kind {
        MeasureKind::Mean { .. } => subject.means(id),
        MeasureKind::Quantiles { .. } => subject.quantiles(id),
        MeasureKind::Histogram { .. } => subject.histogram(id),
        _ => subject.counts(id),
    }
}

impl Subject<'_> {
    /// The statistic that a bar or a line shows.
    fn headline(&self, statistic: &Statistic) -> bool {
        match self.kind {
            MeasureKind::Mean { .. } => *statistic == Statistic::Mean,
            MeasureKind::Sum { .. } => *statistic == Statistic::Sum,
            MeasureKind::RowCount => *statistic == Statistic::Rows,
            _ => *statistic == Statistic::Persons,
        }
    }

    fn points(&self, level: Option<Level>, keys: &[usize]) -> Vec<Point> {
        points(self.workload, self.table, level, self.measure, &|statistic| self.headline(statistic), keys)
    }

    fn is_summable(&self, dimension: usize) -> bool {
        is_summable(self.workload, &self.table.query, self.kind, dimension)
    }

    fn names(&self, keys: &[usize]) -> Vec<String> {
        let name = |key: &usize| self.table.query.dimensions.get(*key).map(|name| wording::heading(name));
        keys.iter().filter_map(name).collect()
    }

    fn title(&self, keys: &[usize], more: &str) -> String {
        let what = wording::measure(&self.table.query, self.kind);
        let by: Vec<String> = self.names(keys).iter().map(|name| name.to_lowercase()).collect();
        let by = if by.is_empty() { String::new() } else { format!(" by {}", wording::list(&by)) };
        wording::capital(&format!("{what}{by}{more}"))
    }

    /// Dimensions over which the coarsest level does not sum and a sum must not be made: they become keys.
    fn forced(&self) -> Vec<usize> {
        let places = self.roles.places.iter().map(|place| place.0).filter(|_| self.level.is_none());
        let mut forced: Vec<usize> = self.roles.others().into_iter().chain(places).collect();
        forced.retain(|&key| !self.is_summable(key));
        forced.sort_unstable();
        forced
    }

    fn counts(&self, id: &str) -> Vec<Plot> {
        let mut plots = self.overview(&format!("{id}-a"));
        plots.extend(self.by_place(&format!("{id}-b")));
        plots
    }

    /// The plot over all places together.
    fn overview(&self, id: &str) -> Vec<Plot> {
        let forced = self.forced();
        if let (Some(age), Some(sex)) = (self.roles.age, self.roles.sex)
            && forced.is_empty()
        {
            let points = self.points(self.level, &[age, sex]);
            let has = |label: &str| points.iter().any(|point| point.keys[1] == label);
            if has("female") && has("male") {
                return vec![pyramid(id, &self.title(&[age, sex], ""), &self.names(&[age, sex]), &points)];
            }
        }
        if let Some(calendar) = self.roles.calendar
            && forced.iter().all(|&key| key == calendar || self.roles.categories.contains(&key))
        {
            return self.calendar(id, calendar);
        }
        let mut keys = forced;
        if keys.is_empty() {
            keys.extend(
                self.roles.categories.first().or(self.roles.age.as_ref()).or(self.roles.sex.as_ref()),
            );
        }
        if keys.is_empty() {
            return Vec::new();
        }
        let points = self.points(self.level, &keys);
        vec![bars(id, &self.title(&keys, ""), &self.names(&keys), &points)]
    }

    /// Lines over the calendar: the largest groups of the first category, or one line. Long series get a drawing each.
    fn calendar(&self, id: &str, calendar: usize) -> Vec<Plot> {
        let Some(&category) = self.roles.categories.first() else {
            let points = self.points(self.level, &[calendar]);
            let line = Line { name: String::new(), points: points.clone() };
            let title = self.title(&[calendar], "");
            return vec![series(id, &title, &self.names(&[calendar]), &[line], &points, Vec::new())];
        };
        let keys = [calendar, category];
        let points = self.points(self.level, &keys);
        let mut lines: Vec<Line> = Vec::new();
        for point in &points {
            match lines.iter_mut().find(|line| line.name == point.labels[1]) {
                Some(line) => line.points.push(point.clone()),
                None => lines.push(Line { name: point.labels[1].clone(), points: vec![point.clone()] }),
            }
        }
        let total = |line: &Line| line.points.iter().filter_map(|point| point.value).sum::<f64>();
        lines.sort_by(|one, other| total(other).total_cmp(&total(one)));
        let groups = lines.len();
        lines.truncate(MOST_LINES);
        if lines.iter().any(|line| line.points.len() > MOST_SHARED_STEPS) {
            return self.each_alone(id, calendar, &lines, groups);
        }
        let notes = if groups > MOST_LINES {
            vec![format!("The {MOST_LINES} largest of {groups} groups; the table below holds all.")]
        } else {
            Vec::new()
        };
        vec![series(id, &self.title(&keys, ""), &self.names(&keys), &lines, &points, notes)]
    }

    /// One drawing a line.
    fn each_alone(&self, id: &str, calendar: usize, lines: &[Line], groups: usize) -> Vec<Plot> {
        let note = format!(
            "One of the {MOST_LINES} largest of {groups} groups; tables/{}.csv holds all.",
            self.table.query.name
        );
        let notes = if groups > MOST_LINES { vec![note] } else { Vec::new() };
        let own = |(number, line): (usize, &Line)| {
            let points: Vec<Point> = line
                .points
                .iter()
                .map(|point| Point { labels: point.labels[..1].to_vec(), ..point.clone() })
                .collect();
            let only = Line { name: String::new(), points: points.clone() };
            let title = self.title(&[calendar], &format!(": {}", line.name));
            series(
                &format!("{id}{number}"),
                &title,
                &self.names(&[calendar]),
                &[only],
                &points,
                notes.clone(),
            )
        };
        lines.iter().enumerate().map(own).collect()
    }

    /// Bars by the coarsest kind of place that has more than one label, summed over everything else.
    fn by_place(&self, id: &str) -> Option<Plot> {
        if self.roles.others().iter().any(|&other| !self.is_summable(other)) {
            return None;
        }
        let mut choices: Vec<(Option<Level>, usize)> = Vec::new();
        for level in levels(self.table).into_iter().rev() {
            let of = match level {
                None => self.roles.places.iter().max_by_key(|place| place.1),
                Some(level) => self.roles.places.iter().find(|place| place.1 == level),
            };
            choices.extend(of.map(|place| (level, place.0)));
        }
        for (level, key) in choices {
            let others_sum = level.is_some()
                || self.roles.places.iter().all(|place| place.0 == key || self.is_summable(place.0));
            let points = self.points(level, &[key]);
            if points.iter().filter(|point| !point.is_rest()).count() > 1 && others_sum {
                return Some(bars(id, &self.title(&[key], ""), &self.names(&[key]), &points));
            }
        }
        None
    }

    /// Dimensions that tell groups of values apart: all but place where the coarsest level sums over it.
    fn group_keys(&self) -> Vec<usize> {
        let mut keys = self.roles.others();
        if self.level.is_none() {
            keys.extend(self.roles.places.iter().map(|place| place.0));
        }
        keys.sort_unstable();
        keys
    }

    fn means(&self, id: &str) -> Vec<Plot> {
        let keys = self.group_keys();
        let points = self.points(self.level, &keys);
        if points.len() < 2 {
            return Vec::new();
        }
        vec![dots(&format!("{id}-a"), &self.title(&keys, ""), &self.names(&keys), &points)]
    }

    fn quantiles(&self, id: &str) -> Vec<Plot> {
        let MeasureKind::Quantiles { levels, .. } = self.kind else { return Vec::new() };
        let keys = self.group_keys();
        let mut groups: Vec<Group> = Vec::new();
        let mut by_level: Vec<(f64, Vec<Point>)> = Vec::new();
        for level in levels {
            let is_own = |statistic: &Statistic| *statistic == Statistic::Quantile { level: *level };
            let own = points(self.workload, self.table, self.level, self.measure, &is_own, &keys);
            by_level.push((level.to_f64(), own));
        }
        let Some((_, middle)) =
            by_level.iter().min_by(|one, other| (one.0 - 0.5).abs().total_cmp(&(other.0 - 0.5).abs()))
        else {
            return Vec::new();
        };
        for (index, point) in middle.iter().enumerate() {
            let known = by_level.iter().filter_map(|(level, own)| Some((*level, own.get(index)?.value?)));
            groups.push(Group { point: point.clone(), quantiles: known.collect() });
        }
        let texts: Vec<String> = levels.iter().map(ToString::to_string).collect();
        vec![boxes(&format!("{id}-a"), &self.title(&keys, ""), &self.names(&keys), &groups, &texts)]
    }

    fn histogram(&self, id: &str) -> Vec<Plot> {
        let mut bins: Vec<(Statistic, f64, f64)> = Vec::new();
        for figure in self.table.figures.iter().filter(|figure| figure.measure == self.measure) {
            match figure.statistic {
                Statistic::Bin { lower, upper } if !bins.iter().any(|bin| bin.0 == figure.statistic) => {
                    bins.push((figure.statistic, lower.to_f64(), upper.to_f64()));
                }
                _ => {}
            }
        }
        let mut all = Vec::new();
        for (bin, lower, upper) in &bins {
            let own = points(self.workload, self.table, self.level, self.measure, &|other| other == bin, &[]);
            let label = format!("{} to {}", super::html::number(*lower), super::html::number(*upper));
            all.extend(own.into_iter().map(|point| Point {
                labels: vec![label.clone()],
                keys: vec![label.clone()],
                ..point
            }));
        }
        let edges: Vec<f64> = bins.iter().map(|bin| bin.1).chain(bins.last().map(|bin| bin.2)).collect();
        if all.is_empty() {
            Vec::new()
        } else {
            vec![columns(&format!("{id}-a"), &self.title(&[], ""), &all, &edges)]
        }
    }
}

/// Figures of the table's coarsest level where that is one cell: the numbers over all places and groups.
pub(super) fn single_numbers(table: &TableFigures) -> Vec<(String, String)> {
    let level = levels(table).last().copied().flatten();
    let own: Vec<_> = table.figures.iter().filter(|figure| figure.level == level).collect();
    let is_single = own.first().is_some_and(|first| own.iter().all(|figure| figure.cell == first.cell));
    if !is_single {
        return Vec::new();
    }
    let plain = own
        .iter()
        .filter(|figure| !matches!(figure.statistic, Statistic::Bin { .. } | Statistic::Quantile { .. }));
    let words = |figure: &&&crate::figures::Figure| {
        let number = figure.estimate.map_or_else(
            || if figure.withheld { "withheld".into() } else { "not defined".into() },
            super::html::number,
        );
        let interval = figure.estimate.and(figure.lower.zip(figure.upper));
        let interval = interval
            .map(|(lower, upper)| {
                format!(" ({} to {})", super::html::number(lower), super::html::number(upper))
            })
            .unwrap_or_default();
        let what = crate::bundle::names::statistic_text(&figure.statistic);
        let place =
            if figure.level.is_some() { format!(", {}", level_text(figure.level)) } else { String::new() };
        (format!("{}{place}", wording::heading(&what)), format!("{number}{interval}"))
    };
    plain.map(|figure| words(&figure)).collect()
}
