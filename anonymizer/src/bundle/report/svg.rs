//! A drawing of fixed width, made of few shapes: its text stays legible from a telephone to paper.
//!
//! Units are those of the view box. 360 of them fill a column between 328 and 480 pixels, so a size of 11 is
//! never smaller than ten pixels.

use std::fmt::Write as _;

use super::html::escape;

/// Width of every drawing.
pub(super) const WIDTH: f64 = 360.0;

/// Where a text is anchored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// At its start.
    Start,
    /// At its middle.
    Middle,
    /// At its end.
    End,
}

/// A drawing in the making.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    body: String,
}

/// Coordinates with at most one decimal: the same text everywhere, and short.
fn at(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded == 0.0 { "0".into() } else { rounded.to_string() }
}

impl Canvas {
    /// A rectangle; what is thinner than half a unit is drawn so thick.
    pub(super) fn bar(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
            at(x),
            at(y),
            at(width.max(0.5)),
            at(height.max(0.5))
        );
    }

    /// A line.
    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ = write!(
            self.body,
            "<path class=\"{class}\" d=\"M{} {}L{} {}\"/>",
            at(from.0),
            at(from.1),
            at(to.0),
            at(to.1)
        );
    }

    /// A line through points, broken where one is missing.
    pub(super) fn curve(&mut self, class: &str, points: &[Option<(f64, f64)>]) {
        let mut path = String::new();
        let mut is_drawing = false;
        for point in points {
            if let Some((x, y)) = point {
                let _ = write!(path, "{}{} {}", if is_drawing { 'L' } else { 'M' }, at(*x), at(*y));
            }
            is_drawing = point.is_some();
        }
        if !path.is_empty() {
            let _ = write!(self.body, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }

    /// A closed area.
    pub(super) fn area(&mut self, class: &str, points: &[(f64, f64)]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", at(*x), at(*y))).collect();
        let _ = write!(self.body, "<polygon class=\"{class}\" points=\"{}\"/>", points.join(" "));
    }

    /// A dot.
    pub(super) fn dot(&mut self, class: &str, x: f64, y: f64) {
        let _ = write!(self.body, "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"3.4\"/>", at(x), at(y));
    }

    /// A horizontal interval with caps.
    pub(super) fn interval(&mut self, x: (f64, f64), y: f64) {
        self.line("whisker", (x.0, y), (x.1, y));
        self.line("whisker", (x.0, y - 3.0), (x.0, y + 3.0));
        self.line("whisker", (x.1, y - 3.0), (x.1, y + 3.0));
    }

    /// A text on its base line, cut to `room`; what was cut is told when one points at it.
    pub(super) fn text(&mut self, class: &str, anchor: Anchor, x: f64, y: f64, room: f64, text: &str) {
        let shown = fitted(text, room);
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let whole = if shown == text { String::new() } else { format!("<title>{}</title>", escape(text)) };
        let _ = write!(
            self.body,
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{}\" y=\"{}\">{whole}{}</text>",
            at(x),
            at(y),
            escape(&shown)
        );
    }

    /// A label that ends at `x`, on two lines where it does not fit on one.
    pub(super) fn label(&mut self, x: f64, middle: f64, room: f64, text: &str) {
        let two = (text_width(text) > room).then(|| broken(text, room)).flatten();
        match two {
            None => self.text("label", Anchor::End, x, middle + 4.0, room, text),
            Some((first, second)) => {
                self.text("label", Anchor::End, x, middle - 2.0, room, first);
                self.text("label", Anchor::End, x, middle + 9.5, room, second);
            }
        }
    }

    /// The finished drawing with its name and description for those who do not see it.
    pub(super) fn finish(self, id: &str, height: f64, title: &str, description: &str) -> String {
        format!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>{}</svg>\n",
            at(WIDTH),
            at(height),
            escape(title),
            escape(description),
            self.body
        )
    }
}

/// Width of a text of size 11, on the safe side for the fonts of the common systems.
fn text_width(text: &str) -> f64 {
    let letter = |letter: char| match letter {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | ' ' | '.' | ',' | '\'' | 'I' | '|' | '(' | ')' | '-' => 4.4,
        'm' | 'w' | 'M' | 'W' | '@' => 10.6,
        upper if upper.is_ascii_uppercase() => 8.3,
        plain if plain.is_ascii() => 6.9,
        wide if u32::from(wide) >= 0x1100 => 11.6,
        _ => 7.8,
    };
    text.chars().map(letter).sum()
}

/// A text in two, at the last blank before which it fits.
fn broken(text: &str, room: f64) -> Option<(&str, &str)> {
    let fits = |(index, _): &(usize, &str)| text_width(&text[..*index]) <= room;
    let (index, _) = text.match_indices(' ').rfind(fits)?;
    Some((&text[..index], &text[index + 1..]))
}

/// The text, or as much of it as fits with an ellipsis.
fn fitted(text: &str, room: f64) -> String {
    if text_width(text) <= room {
        return text.to_owned();
    }
    let mut shown = String::new();
    for letter in text.chars() {
        shown.push(letter);
        if text_width(&shown) > room - 11.0 {
            shown.pop();
            break;
        }
    }
    format!("{}\u{2026}", shown.trim_end())
}

/// A scale from values to coordinates with ticks at round numbers.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    values: (f64, f64),
    places: (f64, f64),
    /// Values of the ticks.
    pub(super) ticks: Vec<f64>,
}

impl Scale {
    /// A scale over `values` (from, to), widened to round numbers, that fills `places`.
    pub(super) fn new(values: (f64, f64), places: (f64, f64), steps: f64) -> Self {
        let span = values.1 - values.0;
        let span = if span.is_finite() && span > 0.0 { span } else { 1.0 };
        let rough = span / steps;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|factor| factor * power)
            .into_iter()
            .find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(rough);
        let from = (values.0 / step + 1e-9).floor();
        let until = ((values.0 + span) / step - 1e-9).ceil().max(from + 1.0);
        let mut ticks = Vec::new();
        let mut count = from;
        while count <= until {
            // A product of a whole number and the step has no drift; 12 digits hide its binary tail.
            ticks.push((count * step * 1e9).round() / 1e9);
            count += 1.0;
        }
        Self { values: (from * step, until * step), places, ticks }
    }

    /// Place of a value, never outside the scale.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = ((value - self.values.0) / (self.values.1 - self.values.0)).clamp(0.0, 1.0);
        self.places.0 + share * (self.places.1 - self.places.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        assert_eq!(Scale::new((0.0, 970.0), (0.0, 100.0), 4.0).ticks, [0.0, 250.0, 500.0, 750.0, 1000.0]);
        assert_eq!(Scale::new((5.1, 5.9), (0.0, 100.0), 4.0).ticks, [5.0, 5.2, 5.4, 5.6, 5.8, 6.0]);
        let nothing = Scale::new((0.0, 0.0), (0.0, 100.0), 4.0);
        assert!(nothing.ticks.len() > 1 && nothing.place(0.0) < 1e-9);
        assert!((Scale::new((0.0, 100.0), (10.0, 20.0), 4.0).place(1e9) - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_long_text_is_cut_and_told_in_full() {
        let mut canvas = Canvas::default();
        canvas.text("label", Anchor::Start, 0.0, 0.0, 60.0, "Chronicobstructive lung disease");
        let svg = canvas.finish("x", 10.0, "title", "description");
        assert!(svg.contains("<title>Chronicobstructive lung disease</title>Chronic\u{2026}"), "{svg}");
    }
}
