//! Means as dots and quantiles as boxes, one row a group, on one axis in the value's unit.

use super::bars::{axis, headings};
use super::html::number;
use super::plot::{Plot, rows, withheld_notes};
use super::svg::{Anchor, Canvas, Scale, WIDTH};
use super::view::Point;

const ROW: f64 = 22.0;
const LABEL_ROOM: f64 = 128.0;
const MOST_ROWS: usize = 30;

/// Means with their intervals.
pub(super) fn dots(id: &str, title: &str, key_names: &[String], points: &[Point]) -> Plot {
    let (shown, mut notes) = chosen(points);
    let ends = shown.iter().filter(|point| point.value.is_some()).flat_map(|point| {
        let value = point.value.unwrap_or(0.0);
        point.interval.map_or([value, value], |interval| [interval.0, interval.1])
    });
    let (mut canvas, scale, bottom) = canvas(ends, shown.len());
    for (index, point) in (0_u32..).zip(&shown) {
        let middle = f64::from(index) * ROW + 4.0 + ROW / 2.0;
        canvas.label(LABEL_ROOM, middle, LABEL_ROOM, &point.name());
        let Some(value) = point.value else {
            canvas.text("withheld", Anchor::Start, LABEL_ROOM + 12.0, middle + 4.0, 120.0, &point.words());
            continue;
        };
        if let Some((lower, upper)) = point.interval {
            canvas.interval((scale.place(lower), scale.place(upper)), middle);
        }
        canvas.dot("a", scale.place(value), middle);
    }
    notes.push("Dots are means, lines their 95 % intervals. The axis need not start at zero.".into());
    notes.extend(noise_note(&shown, &scale));
    notes.extend(withheld_notes(points));
    Plot {
        title: title.to_owned(),
        svg: canvas.finish(id, bottom + 20.0, title, &words(&shown, "mean")),
        legend: Vec::new(),
        notes,
        headings: headings(key_names),
        rows: rows(points),
        labels: key_names.len(),
    }
}

/// A warning where most intervals reach over more than half of the axis.
fn noise_note(shown: &[&Point], scale: &Scale) -> Option<String> {
    let room = (WIDTH - 14.0 - LABEL_ROOM - 12.0) / 2.0;
    let known = shown.iter().filter(|point| point.value.is_some()).count();
    let wide = |point: &&&Point| {
        point.interval.is_some_and(|(lower, upper)| scale.place(upper) - scale.place(lower) > room)
    };
    let drowned = shown.iter().filter(|point| point.value.is_some()).filter(wide).count();
    (known > 2 && 2 * drowned > known).then(|| {
        "Most of these intervals are as wide as what was possible at all: the noise leaves little to read here.".into()
    })
}

/// One group with its quantiles in ascending order.
#[derive(Debug)]
pub(super) struct Group {
    /// The group with its middle quantile.
    pub(super) point: Point,
    /// Level and value of each quantile that is known.
    pub(super) quantiles: Vec<(f64, f64)>,
}

/// Quantiles: a line from the lowest to the highest, a box over the middle half, a stroke at the median.
pub(super) fn boxes(
    id: &str,
    title: &str,
    key_names: &[String],
    groups: &[Group],
    levels: &[String],
) -> Plot {
    let points: Vec<Point> = groups.iter().map(|group| group.point.clone()).collect();
    let (_, mut notes) = chosen(&points);
    let is_crowded = points.len() > MOST_ROWS / 2;
    let shown: Vec<&Group> =
        groups.iter().filter(|group| !is_crowded || !group.point.is_rest()).take(MOST_ROWS).collect();
    let ends = shown.iter().flat_map(|group| group.quantiles.iter().map(|quantile| quantile.1));
    let (mut canvas, scale, bottom) = canvas(ends, shown.len());
    for (index, group) in (0_u32..).zip(&shown) {
        let middle = f64::from(index) * ROW + 4.0 + ROW / 2.0;
        canvas.label(LABEL_ROOM, middle, LABEL_ROOM, &group.point.name());
        draw_box(&mut canvas, group, &scale, middle);
    }
    notes.push(format!(
        "Lines reach over the quantiles {}; boxes hold the middle half, strokes are medians.",
        levels.join(", ")
    ));
    notes.extend(withheld_notes(&points));
    let table = groups.iter().map(|group| {
        let values = group.quantiles.iter().map(|quantile| number(quantile.1));
        let mut row: Vec<String> = group.point.labels.iter().cloned().chain(values).collect();
        row.resize(key_names.len() + levels.len(), group.point.words());
        row
    });
    Plot {
        title: title.to_owned(),
        svg: canvas.finish(
            id,
            bottom + 20.0,
            title,
            &words(&shown.iter().map(|group| &group.point).collect::<Vec<_>>(), "median"),
        ),
        legend: Vec::new(),
        notes,
        headings: key_names
            .iter()
            .cloned()
            .chain(levels.iter().map(|level| format!("Quantile {level}")))
            .collect(),
        rows: table.collect(),
        labels: key_names.len(),
    }
}

fn draw_box(canvas: &mut Canvas, group: &Group, scale: &Scale, middle: f64) {
    let (Some(first), Some(last)) = (group.quantiles.first(), group.quantiles.last()) else {
        canvas.text("withheld", Anchor::Start, LABEL_ROOM + 12.0, middle + 4.0, 120.0, &group.point.words());
        return;
    };
    let near = |level: f64| {
        group.quantiles.iter().min_by(|one, other| (one.0 - level).abs().total_cmp(&(other.0 - level).abs()))
    };
    canvas.interval((scale.place(first.1), scale.place(last.1)), middle);
    if let (Some(low), Some(high)) = (near(0.25), near(0.75)) {
        let (from, until) = (scale.place(low.1), scale.place(high.1));
        canvas.bar("box", from, middle - 6.0, until - from, 12.0);
    }
    if let Some(median) = near(0.5) {
        let x = scale.place(median.1);
        canvas.line("median", (x, middle - 6.0), (x, middle + 6.0));
    }
}

/// An empty drawing with its axis.
fn canvas(ends: impl Iterator<Item = f64>, rows: usize) -> (Canvas, Scale, f64) {
    let (least, most) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), end| (least.min(end), most.max(end)));
    let values = if least.is_finite() { (least, most) } else { (0.0, 1.0) };
    let scale = Scale::new(values, (LABEL_ROOM + 12.0, WIDTH - 14.0), 4.0);
    let bottom = f64::from(u32::try_from(rows).unwrap_or(0)) * ROW + 4.0;
    let mut canvas = Canvas::default();
    axis(&mut canvas, &scale, bottom);
    (canvas, scale, bottom)
}

/// Leaves out the rest cells where there are many rows, and what is too much.
fn chosen(points: &[Point]) -> (Vec<&Point>, Vec<String>) {
    let is_crowded = points.len() > MOST_ROWS / 2;
    let shown: Vec<&Point> = points.iter().filter(|point| !is_crowded || !point.is_rest()).collect();
    let mut notes = Vec::new();
    if shown.len() > MOST_ROWS {
        notes.push(format!("The first {MOST_ROWS} of {}; the table below holds all.", shown.len()));
    } else if shown.len() < points.len() {
        notes.push("Other and unknown groups stand in the table below.".into());
    }
    (shown.into_iter().take(MOST_ROWS).collect(), notes)
}

fn words(points: &[&Point], what: &str) -> String {
    let parts: Vec<String> =
        points.iter().take(40).map(|point| format!("{}: {}", point.name(), point.words())).collect();
    format!("The {what} of each group. {}.", parts.join("; "))
}
