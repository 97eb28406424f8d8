//! Series over the calendar as lines with bands, and histograms as columns.

use super::bars::headings;
use super::html::number;
use super::plot::{Plot, rows, withheld_notes};
use super::svg::{Anchor, Canvas, Scale, WIDTH};
use super::view::{Point, noise_note};

const LEFT: f64 = 44.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 168.0;
/// Lines that can be told apart by colour and dash.
pub(super) const MOST_LINES: usize = 4;
/// Steps of a calendar up to which several lines share a drawing; longer ones would be a thicket.
pub(super) const MOST_SHARED_STEPS: usize = 24;

/// A line: its name and one point for each step of the calendar.
#[derive(Debug)]
pub(super) struct Line {
    /// Name; empty for the only line.
    pub(super) name: String,
    /// Points in order.
    pub(super) points: Vec<Point>,
}

/// Lines over the steps of a calendar.
pub(super) fn series(
    id: &str,
    title: &str,
    key_names: &[String],
    lines: &[Line],
    all: &[Point],
    notes: Vec<String>,
) -> Plot {
    let steps: Vec<&str> = lines
        .first()
        .map_or(Vec::new(), |line| line.points.iter().map(|point| point.keys[0].as_str()).collect());
    let most = lines.iter().flat_map(|line| &line.points).map(Point::reach).fold(0.0, f64::max);
    let scale = Scale::new((0.0, most), (BOTTOM, TOP), 4.0);
    let mut canvas = Canvas::default();
    grid(&mut canvas, &scale);
    let count = u32::try_from(steps.len()).unwrap_or(0);
    let x = |index: u32| LEFT + 8.0 + f64::from(index) / f64::from(count.max(2) - 1) * (WIDTH - LEFT - 16.0);
    // Four labels of seven letters or three of ten fit side by side; each stands at its point.
    let most = if steps.iter().any(|step| step.len() > 7) { 3 } else { 5 };
    let every = count.div_ceil(most).max(1);
    for (index, step) in (0_u32..).zip(&steps).filter(|(index, _)| index % every == 0) {
        let is_last = index + 1 == count;
        let (anchor, shift) = if is_last { (Anchor::End, 8.0) } else { (Anchor::Middle, 0.0) };
        canvas.text("tick", anchor, x(index) + shift, BOTTOM + 16.0, 78.0, step);
        canvas.line("grid", (x(index), BOTTOM), (x(index), BOTTOM + 4.0));
    }
    for (line, class) in lines.iter().zip(["a", "b", "c", "d"]) {
        let place = |value: Option<f64>, index: u32| value.map(|value| (x(index), scale.place(value)));
        let upper = (0_u32..)
            .zip(&line.points)
            .filter_map(|(index, point)| place(point.interval.map(|own| own.1), index));
        let lower = (0_u32..)
            .zip(&line.points)
            .filter_map(|(index, point)| place(point.interval.map(|own| own.0), index));
        let mut band: Vec<(f64, f64)> = upper.collect();
        band.extend(lower.collect::<Vec<_>>().into_iter().rev());
        canvas.area(&format!("band {class}"), &band);
        let points: Vec<_> =
            (0_u32..).zip(&line.points).map(|(index, point)| place(point.value, index)).collect();
        canvas.curve(&format!("line {class}"), &points);
        if points.len() == 1 {
            points.into_iter().flatten().for_each(|(x, y)| canvas.dot(class, x, y));
        }
    }
    let legend = lines.iter().zip(["a", "b", "c", "d"]).filter(|(line, _)| !line.name.is_empty());
    Plot {
        title: title.to_owned(),
        svg: canvas.finish(id, BOTTOM + 22.0, title, &words(lines)),
        legend: legend.map(|(line, class)| (format!("line {class}"), line.name.clone())).collect(),
        notes: [notes, noise_note(all).into_iter().collect(), withheld_notes(all)].concat(),
        headings: headings(key_names),
        rows: rows(all),
        labels: key_names.len(),
    }
}

fn grid(canvas: &mut Canvas, scale: &Scale) {
    for &tick in &scale.ticks {
        let y = scale.place(tick);
        canvas.line("grid", (LEFT, y), (WIDTH, y));
        canvas.text("tick", Anchor::End, LEFT - 5.0, y + 4.0, LEFT - 5.0, &short(tick));
    }
}

/// A number in the room of an axis: thousands and millions by letter.
fn short(value: f64) -> String {
    match value {
        value if value >= 1e9 => format!("{}G", number(value / 1e9)),
        value if value >= 1e6 => format!("{}M", number(value / 1e6)),
        value if value >= 1e4 => format!("{}k", number(value / 1e3)),
        value => number(value),
    }
}

fn words(lines: &[Line]) -> String {
    let one = |line: &Line| {
        let ends = line.points.first().zip(line.points.last());
        ends.map(|(first, last)| {
            let name = if line.name.is_empty() { "The series" } else { &line.name };
            format!(
                "{name} goes from {} in {} to {} in {}.",
                first.words(),
                first.labels[0],
                last.words(),
                last.labels[0]
            )
        })
    };
    let sentences: Vec<String> = lines.iter().filter_map(one).collect();
    format!("{} Shaded bands are 95 % intervals.", sentences.join(" "))
}

/// A histogram: one column a bin, `edges` has one more entry than there are bins.
pub(super) fn columns(id: &str, title: &str, bins: &[Point], edges: &[f64]) -> Plot {
    let most = bins.iter().map(Point::reach).fold(0.0, f64::max);
    let scale = Scale::new((0.0, most), (BOTTOM, TOP), 4.0);
    let mut canvas = Canvas::default();
    grid(&mut canvas, &scale);
    let count = u32::try_from(bins.len()).unwrap_or(0).max(1);
    let x = |index: u32| LEFT + 10.0 + f64::from(index) / f64::from(count) * (WIDTH - LEFT - 24.0);
    for (index, bin) in (0_u32..).zip(bins) {
        let (from, until) = (x(index), x(index + 1));
        let Some(value) = bin.value else { continue };
        let top = scale.place(value);
        canvas.bar("a", from + 1.0, top, until - from - 2.0, BOTTOM - top);
        if let Some((lower, upper)) = bin.interval {
            let middle = f64::midpoint(from, until);
            canvas.line("whisker", (middle, scale.place(lower)), (middle, scale.place(upper)));
        }
    }
    let every = count.div_ceil(6).max(1);
    for (index, edge) in (0_u32..).zip(edges).filter(|(index, _)| index % every == 0) {
        canvas.text("tick", Anchor::Middle, x(index), BOTTOM + 16.0, 48.0, &number(*edge));
    }
    let description =
        bins.iter().map(|bin| format!("{}: {}", bin.name(), bin.words())).collect::<Vec<_>>().join("; ");
    Plot {
        title: title.to_owned(),
        svg: canvas.finish(
            id,
            BOTTOM + 22.0,
            title,
            &format!("{description}. Thin lines are 95 % intervals."),
        ),
        legend: Vec::new(),
        notes: withheld_notes(bins),
        headings: headings(&["Bin".to_owned()]),
        rows: rows(bins),
        labels: 1,
    }
}
