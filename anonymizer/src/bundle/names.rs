//! Words of a bundle's tables: columns, measures, statistics, levels.
//!
//! Each is written and read here, so that the two cannot part. Words are the same in CSV, Parquet,
//! reports and descriptors.

use medrec_domain::workload::{Level, TableQuery};

use crate::figures::Statistic;

/// Level of a table's own, finest cells.
pub(super) const FINEST: &str = "finest";

/// Fixed columns of a table of figures, after its dimensions, with their meaning.
pub(super) const FIGURE_COLUMNS: [(&str, &str); 8] = [
    (
        "level",
        "Level of the hierarchy: finest for the table's own cells, otherwise the level whose total this is.",
    ),
    ("measure", "Which measure of the query the figure belongs to."),
    ("statistic", "What the number states: persons, rows, values, sum, mean, bin A to B, quantile P."),
    ("estimate", "The noisy, published number; empty when withheld or not defined."),
    ("standard_error", "Standard error of the estimate that comes from the noise alone."),
    ("lower_95", "Lower end of the 95 % confidence interval for the noise."),
    ("upper_95", "Upper end of the 95 % confidence interval for the noise."),
    ("withheld", "Whether the figure is withheld as a small cell, or to keep one from being derived."),
];

/// Fixed columns of a table of raw noisy integers, after its dimensions, with their meaning.
pub(super) const RAW_COLUMNS: [(&str, &str); 4] = [
    ("level", "Level of the hierarchy, as in the table of figures."),
    ("measure", "Which measure of the query the integer belongs to."),
    ("component", "Which integer of the measure: 0 for counts; 0 and 1 for sums and means; else the bin."),
    (
        "value",
        "The noisy integer as it was drawn, in units of the grid; unbiased, may be negative; empty when withheld.",
    ),
];

/// Columns of the dimensions. One that has the name of a fixed column is told apart by a prefix.
pub(super) fn dimension_columns(query: &TableQuery) -> Vec<String> {
    let fixed = |name: &str| {
        FIGURE_COLUMNS
            .iter()
            .map(|column| column.0)
            .chain(RAW_COLUMNS.iter().map(|column| column.0))
            .any(|own| own == name)
    };
    let column = |name: &String| if fixed(name) { format!("dimension_{name}") } else { name.clone() };
    query.dimensions.iter().map(column).collect()
}

/// Names of a query's measures: their kind, numbered from the second of one kind on.
pub(super) fn measure_names(query: &TableQuery) -> Vec<String> {
    let mut names = Vec::with_capacity(query.measures.len());
    for (index, measure) in query.measures.iter().enumerate() {
        let kind = measure.kind.name();
        let before = query.measures[..index].iter().filter(|other| other.kind.name() == kind).count();
        names.push(if before == 0 { kind.to_owned() } else { format!("{kind}-{}", before + 1) });
    }
    names
}

/// Text of a level.
pub(super) const fn level_text(level: Option<Level>) -> &'static str {
    match level {
        None => FINEST,
        Some(Level::Nation) => "nation",
        Some(Level::Region) => "region",
        Some(Level::Organisation) => "organisation",
    }
}

/// The level of a text.
///
/// # Errors
/// The text, when it names no level.
pub(super) fn parse_level(text: &str) -> Result<Option<Level>, &str> {
    let levels = [None, Some(Level::Nation), Some(Level::Region), Some(Level::Organisation)];
    levels.into_iter().find(|&level| level_text(level) == text).ok_or(text)
}

/// Text of a statistic.
pub(super) fn statistic_text(statistic: &Statistic) -> String {
    match statistic {
        Statistic::Persons => "persons".into(),
        Statistic::Rows => "rows".into(),
        Statistic::Values => "values".into(),
        Statistic::Sum => "sum".into(),
        Statistic::Mean => "mean".into(),
        Statistic::Bin { lower, upper } => format!("bin {lower} to {upper}"),
        Statistic::Quantile { level } => format!("quantile {level}"),
    }
}

/// The statistic of a text.
pub(super) fn parse_statistic(text: &str) -> Option<Statistic> {
    if let Some((lower, upper)) = text.strip_prefix("bin ").and_then(|bounds| bounds.split_once(" to ")) {
        return Some(Statistic::Bin { lower: lower.parse().ok()?, upper: upper.parse().ok()? });
    }
    if let Some(level) = text.strip_prefix("quantile ") {
        return Some(Statistic::Quantile { level: level.parse().ok()? });
    }
    let plain = [Statistic::Persons, Statistic::Rows, Statistic::Values, Statistic::Sum, Statistic::Mean];
    plain.into_iter().find(|statistic| statistic_text(statistic) == text)
}

/// Shortest decimal text that reads back as the same number; no exponent, no negative zero.
pub(super) fn number_text(value: f64) -> String {
    if value == 0.0 { "0".into() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_and_levels_read_back() {
        let statistics = [
            Statistic::Persons,
            Statistic::Mean,
            Statistic::Bin { lower: "-1.5".parse().unwrap(), upper: "10".parse().unwrap() },
            Statistic::Quantile { level: "0.25".parse().unwrap() },
        ];
        for statistic in statistics {
            assert_eq!(parse_statistic(&statistic_text(&statistic)), Some(statistic));
        }
        for text in ["", "mode", "bin 1", "bin a to b", "quantile"] {
            assert_eq!(parse_statistic(text), None, "{text:?}");
        }
        assert_eq!(parse_level("finest"), Ok(None));
        assert_eq!(parse_level("nation"), Ok(Some(Level::Nation)));
        assert_eq!(parse_level("planet"), Err("planet"));
    }

    #[test]
    fn numbers_have_one_text() {
        for (value, text) in
            [(-0.0, "0"), (3.0, "3"), (0.1 + 0.2, "0.30000000000000004"), (1e21, "1000000000000000000000")]
        {
            assert_eq!(number_text(value), text);
        }
    }
}
