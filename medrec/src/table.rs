//! Plain tables for people: columns as wide as their widest cell, figures to the right.

use medrec_benches::harness::{Measurement, Origin};

/// Rows of cells with a header, the first column to the left and the others to the right.
pub(crate) fn aligned(header: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(header.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().fold(line(header), |text, row| text + &line(row))
}

/// A rate with the prefix that leaves one to three digits before the point: `1.061 MH/s`.
pub(crate) fn rate(per_second: f64, unit: &str) -> String {
    let symbol = match unit {
        "hash" => "H/s".to_owned(),
        other => format!("{other}s/s"),
    };
    let (scaled, prefix) = match per_second {
        rate if rate >= 1e9 => (rate / 1e9, "G"),
        rate if rate >= 1e6 => (rate / 1e6, "M"),
        rate if rate >= 1e3 => (rate / 1e3, "k"),
        rate => (rate, ""),
    };
    let space = if unit == "hash" { "" } else { " " };
    format!("{scaled:.3} {prefix}{space}{symbol}")
}

/// Engines down, threads across; each cell is made by `cell`. Measurements are told apart by what they
/// measure, by engine and by pages.
pub(crate) fn engines_by_threads(
    measurements: &[Measurement],
    cell: impl Fn(&Measurement) -> Option<String>,
) -> String {
    let mut threads: Vec<usize> = measurements.iter().map(|m| m.identity.threads).collect();
    threads.sort_unstable();
    threads.dedup();
    let mut names: Vec<String> = Vec::new();
    for measurement in measurements {
        let name = row_name(measurement);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let header: Vec<String> = std::iter::once("engine".to_owned())
        .chain(threads.iter().map(|count| format!("{count} thread{}", if *count == 1 { "" } else { "s" })))
        .collect();
    let rows: Vec<Vec<String>> = names
        .into_iter()
        .map(|name| {
            let cells = threads.iter().map(|count| {
                let here = measurements.iter().find(|measurement| {
                    measurement.identity.threads == *count && row_name(measurement) == name
                });
                here.and_then(&cell).unwrap_or_else(|| "-".to_owned())
            });
            std::iter::once(name.clone()).chain(cells).collect()
        })
        .collect();
    aligned(&header, &rows)
}

fn row_name(measurement: &Measurement) -> String {
    let identity = &measurement.identity;
    let pages = identity.pages.as_ref().map_or_else(String::new, |pages| format!(" ({pages} pages)"));
    let limit = if identity.origin == Origin::Limit { "limit: " } else { "" };
    format!("{} {limit}{}{pages}", identity.measure, identity.engine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_keep_their_digits_and_get_a_prefix() {
        assert_eq!(rate(1_061_234.0, "hash"), "1.061 MH/s");
        assert_eq!(rate(343.0, "hash"), "343.000 H/s");
        assert_eq!(rate(775_000.0, "item"), "775.000 k items/s");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let text = aligned(
            &["a".to_owned(), "bb".to_owned()],
            &[vec!["long".to_owned(), "1".to_owned()], vec!["x".to_owned(), "1234".to_owned()]],
        );
        assert_eq!(text, "a       bb\nlong     1\nx     1234\n");
    }
}
