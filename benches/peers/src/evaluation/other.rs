//! Documents of topics that have no words of their own here: their settings, and their figures as a table.

use std::collections::BTreeSet;

use super::table::{figure, origin, table};
use crate::document::Document;

pub(super) fn section(document: &Document) -> String {
    let names: BTreeSet<&str> =
        document.rows.iter().flat_map(|row| row.figures.keys().map(String::as_str)).collect();
    let mut header = vec!["what", "by"];
    header.extend(&names);
    let rows: Vec<Vec<String>> = document
        .rows
        .iter()
        .map(|row| {
            let figures = names.iter().map(|name| figure(row.figure(name)));
            [row.name.clone(), row.engine.clone()].into_iter().chain(figures).collect()
        })
        .collect();
    let mut title = document.topic.replace('-', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let note = document.setting["note"].as_str().map_or_else(String::new, |note| format!("{note}\n\n"));
    format!("\n## {title}\n\n{note}{}\n{}", table(&header, &rows), origin(document))
}
