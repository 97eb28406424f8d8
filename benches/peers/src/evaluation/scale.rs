//! How time and memory grow.

use super::table::{figure, origin, table};
use crate::document::{Document, Row};

pub(super) fn section(document: &Document) -> String {
    let of = |name: &str| document.rows.iter().filter(|row| row.name == name).collect::<Vec<&Row>>();
    let cells = |row: &Row, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| figure(row.figure(name))).collect()
    };
    let jobs: Vec<Vec<String>> = of("rows")
        .iter()
        .map(|row| {
            let mut own = cells(row, &["rows", "persons", "file_mib", "wall_seconds", "peak_mib"]);
            own.push(figure(row.figure("rows") / row.figure("wall_seconds") / 1e6));
            own
        })
        .collect();
    let census: Vec<Vec<String>> = of("census")
        .iter()
        .map(|row| [vec![row.engine.clone()], cells(row, &["persons", "wall_seconds", "peak_mib"])].concat())
        .collect();
    let steps = [
        "persons",
        "over_caps_seconds",
        "reserve_seconds",
        "store_noise_seconds",
        "commit_seconds",
        "census_check_seconds",
        "person_seconds",
        "open_seconds",
        "file_mib",
    ];
    let ledger: Vec<Vec<String>> = of("ledger").iter().map(|row| cells(row, &steps)).collect();
    format!(
        "\n## Scale\n\nThe job above at other sizes, the file in the system's cache, medians. Memory is bounded (`--memory`, 512 MiB for records under way): \
         where more would be needed the persons are taken in parts and the file is read once a part, seven times for a hundred million rows. \
         That, and not the rows themselves, is what makes a row dearer there:\n\n{}\n\
         A synthetic population and its census (all tables, bundle and report included):\n\n{}\n\
         The ledger when each person is charged for what she is in, the second time: seconds of each step, and the file's size:\n\n{}\n{}",
        table(&["rows", "persons", "file MiB", "seconds", "peak MiB", "million rows/s"], &jobs),
        table(&["", "persons", "seconds", "peak MiB"], &census),
        table(
            &[
                "persons",
                "who is over her cap",
                "reserve",
                "keep noise",
                "commit",
                "check a census",
                "one person",
                "open",
                "MiB"
            ],
            &ledger
        ),
        origin(document),
    )
}
