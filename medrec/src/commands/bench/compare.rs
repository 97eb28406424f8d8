//! `medrec bench compare`.

use std::path::Path;

use medrec_benches::compare::{Comparison, Row, compare};
use medrec_benches::record::Record;

use crate::shell::Shell;
use crate::table::{aligned, rate};

pub(super) fn run(first: &Path, second: &Path, shell: &mut Shell) -> anyhow::Result<()> {
    let comparison = compare(&Record::load(first)?, &Record::load(second)?)?;
    for warning in &comparison.warnings {
        shell.warning(warning);
    }
    if shell.wants_json() {
        return shell.json(&comparison);
    }
    shell.result(&text(&comparison))
}

fn text(comparison: &Comparison) -> String {
    let header = ["contender", "first", "second", "ratio", ""].map(str::to_owned);
    let rows: Vec<Vec<String>> = comparison.rows.iter().map(cells).collect();
    let only = |side: &str, labels: &[String]| -> String {
        labels
            .iter()
            .fold(String::new(), |text, label| text + "only in the " + side + " record: " + label + "\n")
    };
    [
        format!("{} benchmark, second / first\n\n", comparison.benchmark),
        aligned(&header, &rows),
        only("first", &comparison.only_left),
        only("second", &comparison.only_right),
    ]
    .concat()
}

fn cells(row: &Row) -> Vec<String> {
    let unit = &row.identity.unit;
    let verdict = if row.is_clear { "" } else { "within noise" };
    vec![
        row.identity.label(),
        rate(row.left_rate, unit),
        rate(row.right_rate, unit),
        format!("{:.3}", row.ratio),
        verdict.to_owned(),
    ]
}
