//! Horizontal bars with intervals: organisations, conditions, classes; and the population pyramid.

use super::html::number;
use super::plot::{Plot, counted, rows, withheld_notes};
use super::svg::{Anchor, Canvas, Scale, WIDTH};
use super::view::{Point, noise_note};

/// Most bars of a plot; the table below holds all.
const MOST_BARS: usize = 24;
const ROW: f64 = 24.0;
const BAND: f64 = 20.0;
const LABEL_ROOM: f64 = 128.0;
const VALUE_ROOM: f64 = 62.0;

/// Bars in the order of the points, or the largest where there are too many.
pub(super) fn bars(id: &str, title: &str, key_names: &[String], points: &[Point]) -> Plot {
    let (shown, mut notes) = chosen(points);
    notes.extend(noise_note(points));
    let most = shown.iter().map(|point| point.reach()).fold(0.0, f64::max);
    let scale = Scale::new((0.0, most), (LABEL_ROOM + 6.0, WIDTH - VALUE_ROOM), 3.0);
    let bottom = f64::from(u32::try_from(shown.len()).unwrap_or(0)) * ROW + 4.0;
    let mut canvas = Canvas::default();
    axis(&mut canvas, &scale, bottom);
    for (index, point) in (0_u32..).zip(&shown) {
        let middle = f64::from(index) * ROW + 4.0 + ROW / 2.0;
        canvas.label(LABEL_ROOM, middle, LABEL_ROOM, &point.name());
        let Some(value) = point.value else {
            canvas.text("withheld", Anchor::Start, LABEL_ROOM + 10.0, middle + 4.0, 120.0, &point.words());
            continue;
        };
        let start = scale.place(0.0);
        canvas.bar("a", start, middle - 6.0, scale.place(value) - start, 12.0);
        if let Some((lower, upper)) = point.interval {
            canvas.interval((scale.place(lower), scale.place(upper)), middle);
        }
        canvas.text("value", Anchor::End, WIDTH, middle + 4.0, VALUE_ROOM - 8.0, &number(value));
    }
    Plot {
        title: title.to_owned(),
        svg: canvas.finish(id, bottom + 20.0, title, &description(&shown)),
        legend: Vec::new(),
        notes: [notes, withheld_notes(points)].concat(),
        headings: headings(key_names),
        rows: rows(points),
        labels: key_names.len(),
    }
}

/// Headings of the table below a plot.
pub(super) fn headings(key_names: &[String]) -> Vec<String> {
    key_names.iter().cloned().chain(["Estimate".into(), "95 % interval".into()]).collect()
}

/// The extremes in words, for those who do not see the plot.
fn description(points: &[&Point]) -> String {
    let known = || points.iter().filter_map(|point| point.value.map(|value| (value, point.name())));
    let most = known().max_by(|one, other| one.0.total_cmp(&other.0));
    let least = known().min_by(|one, other| one.0.total_cmp(&other.0));
    match (most, least) {
        (Some((most, at)), Some((least, where_least))) => format!(
            "{}. The largest is {at} with {}, the smallest {where_least} with {}. Thin lines are 95 % intervals.",
            counted(points.len(), "bar", "bars"),
            number(most),
            number(least)
        ),
        _ => "Every figure of this plot is withheld or not defined.".into(),
    }
}

fn chosen(points: &[Point]) -> (Vec<&Point>, Vec<String>) {
    if points.len() <= MOST_BARS {
        return (points.iter().collect(), Vec::new());
    }
    let mut order: Vec<&Point> = points.iter().collect();
    order.sort_by(|one, other| other.value.unwrap_or(-1.0).total_cmp(&one.value.unwrap_or(-1.0)));
    order.truncate(MOST_BARS);
    if order.iter().any(|point| point.value.is_some()) {
        order.retain(|point| point.value.is_some());
    }
    let note = format!("The {} largest of {}; the table below holds all.", order.len(), points.len());
    (order, vec![note])
}

/// Vertical grid lines with their numbers below.
pub(super) fn axis(canvas: &mut Canvas, scale: &Scale, bottom: f64) {
    for &tick in &scale.ticks {
        let x = scale.place(tick);
        canvas.line("grid", (x, 2.0), (x, bottom));
        canvas.text("tick", Anchor::Middle, x, bottom + 14.0, 70.0, &number(tick));
    }
}

/// A population pyramid: bands of age upwards, one sex to each side.
///
/// `points` have the labels (age, sex), ages in ascending order; other sexes stand in the table alone.
pub(super) fn pyramid(id: &str, title: &str, key_names: &[String], points: &[Point]) -> Plot {
    let of = |sex: &str| points.iter().filter(|point| point.keys[1] == sex).collect::<Vec<_>>();
    let (women, men) = (of("female"), of("male"));
    let most = women.iter().chain(&men).map(|point| point.reach()).fold(0.0, f64::max);
    let (center, half) = (WIDTH / 2.0, 27.0);
    let left = Scale::new((0.0, most), (center - half, 10.0), 2.0);
    let right = Scale::new((0.0, most), (center + half, WIDTH - 10.0), 2.0);
    let bottom = f64::from(u32::try_from(women.len()).unwrap_or(0)) * BAND + 24.0;
    let mut canvas = Canvas::default();
    canvas.text("head", Anchor::End, center - half, 14.0, 130.0, "Female");
    canvas.text("head", Anchor::Start, center + half, 14.0, 130.0, "Male");
    for scale in [&left, &right] {
        for &tick in &scale.ticks {
            let x = scale.place(tick);
            canvas.line("grid", (x, 20.0), (x, bottom));
            let anchor = if tick == 0.0 {
                Anchor::Middle
            } else if x < center {
                Anchor::Start
            } else {
                Anchor::End
            };
            let x = if x < center && tick > 0.0 {
                x - 8.0
            } else if tick > 0.0 {
                x + 8.0
            } else {
                x
            };
            canvas.text("tick", anchor, x, bottom + 14.0, 60.0, &number(tick));
        }
    }
    for (index, (woman, man)) in (0_u32..).zip(women.iter().zip(&men)) {
        let middle = bottom - f64::from(index) * BAND - BAND / 2.0;
        canvas.text("label", Anchor::Middle, center, middle + 4.0, 2.0 * half, &woman.labels[0]);
        for (point, scale, class) in [(woman, &left, "a"), (man, &right, "b")] {
            side(&mut canvas, point, scale, class, middle);
        }
    }
    let shown: Vec<&Point> = women.iter().chain(&men).copied().collect();
    let mut notes = withheld_notes(points);
    if points.len() > shown.len() {
        notes.push("Other and unknown sexes stand in the table below.".into());
    }
    Plot {
        title: title.to_owned(),
        svg: canvas.finish(id, bottom + 20.0, title, &description(&shown)),
        legend: Vec::new(),
        notes,
        headings: headings(key_names),
        rows: rows(points),
        labels: key_names.len(),
    }
}

fn side(canvas: &mut Canvas, point: &Point, scale: &Scale, class: &str, middle: f64) {
    let start = scale.place(0.0);
    let Some(value) = point.value else {
        let (anchor, x) =
            if class == "a" { (Anchor::End, start - 4.0) } else { (Anchor::Start, start + 4.0) };
        canvas.text("withheld", anchor, x, middle + 4.0, 100.0, &point.words());
        return;
    };
    let end = scale.place(value);
    canvas.bar(class, start.min(end), middle - 7.0, (end - start).abs(), 14.0);
    if let Some((lower, upper)) = point.interval {
        canvas.interval((scale.place(lower), scale.place(upper)), middle);
    }
}
