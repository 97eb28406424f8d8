//! A plot with its words and the table of its numbers.

use super::html::{escape, joined, number, table};
use super::view::Point;

/// What every plot consists of.
#[derive(Debug)]
pub(super) struct Plot {
    /// What it shows.
    pub(super) title: String,
    /// The drawing.
    pub(super) svg: String,
    /// Names of the colours, if it has several: class and words.
    pub(super) legend: Vec<(String, String)>,
    /// What has to be known to read it.
    pub(super) notes: Vec<String>,
    /// Headings of the table of its numbers.
    pub(super) headings: Vec<String>,
    /// Its rows.
    pub(super) rows: Vec<Vec<String>>,
    /// Leading columns that are labels.
    pub(super) labels: usize,
}

impl Plot {
    /// The plot as a figure of the page, its numbers folded away below it.
    pub(super) fn html(&self) -> String {
        let legend = joined(self.legend.iter().map(|(class, words)| {
            format!("<li><span class=\"swatch {class}\"></span>{}</li>", escape(words))
        }));
        let legend =
            if legend.is_empty() { String::new() } else { format!("<ul class=\"legend\">{legend}</ul>") };
        let notes = joined(self.notes.iter().map(|note| format!("<p class=\"note\">{}</p>", escape(note))));
        let numbers = table(&self.title, &self.headings, &self.rows, self.labels);
        format!(
            "<figure><figcaption>{}</figcaption>{legend}{}{notes}<details><summary>Numbers of this plot</summary>{numbers}</details></figure>\n",
            escape(&self.title),
            self.svg
        )
    }
}

/// Rows of points for the table of a plot: labels, estimate, interval.
pub(super) fn rows(points: &[Point]) -> Vec<Vec<String>> {
    points
        .iter()
        .map(|point| {
            let interval = point.interval.filter(|_| point.value.is_some());
            let interval = interval
                .map_or_else(String::new, |(lower, upper)| format!("{} to {}", number(lower), number(upper)));
            point.labels.iter().cloned().chain([point.words(), interval]).collect()
        })
        .collect()
}

/// Notes on parts that are withheld.
pub(super) fn withheld_notes(points: &[Point]) -> Vec<String> {
    let whole = points.iter().filter(|point| point.value.is_none() && point.withheld > 0).count();
    let partly = points.iter().filter(|point| point.value.is_some() && point.withheld > 0).count();
    let mut notes = Vec::new();
    if whole > 0 {
        notes.push(format!(
            "{} withheld, shown by name without a number.",
            counted(whole, "figure is", "figures are")
        ));
    }
    if partly > 0 {
        let words = if partly == 1 {
            "1 sum leaves out cells that are withheld and so is a little too low.".to_owned()
        } else {
            format!("{partly} sums leave out cells that are withheld and so are a little too low.")
        };
        notes.push(words);
    }
    notes
}

/// `1 cell`, `3 cells`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
