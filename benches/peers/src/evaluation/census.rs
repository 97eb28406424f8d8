//! The census at equal rho.

use std::collections::BTreeSet;

use super::table::{figure, origin, table};
use crate::document::{Document, Row};

/// Name of the rows with totals.
pub(super) const REGIONS: &str = "encounters by region";

pub(super) fn section(document: &Document) -> String {
    let engines: BTreeSet<&str> = plain(document).map(|row| row.engine.as_str()).collect();
    let tables: BTreeSet<&str> = plain(document).map(|row| row.name.as_str()).collect();
    let error = |table: &str, engine: &str| {
        let found = document.rows.iter().find(|row| row.name == table && row.engine == engine);
        figure(found.map_or(f64::NAN, |row| row.figure("mean_absolute_error")))
    };
    let mut header = vec!["table", "cells"];
    header.extend(&engines);
    let rows: Vec<Vec<String>> = tables
        .iter()
        .map(|name| {
            let cells =
                plain(document).find(|row| row.name == *name).map_or(f64::NAN, |row| row.figure("cells"));
            let errors = engines.iter().map(|engine| error(name, engine));
            [(*name).to_owned(), figure(cells)].into_iter().chain(errors).collect()
        })
        .collect();
    let totals: Vec<Vec<String>> = document
        .rows
        .iter()
        .filter(|row| row.name == REGIONS)
        .map(|row| vec![row.engine.clone(), figure(row.figure("mean_absolute_error"))])
        .collect();
    let setting = &document.setting;
    format!(
        "\n## Census\n\n\
         The census workload on {} synthetic persons and {} organisations, rho {} for all of its tables. A rival gets for each table the rho\n\
         that our plan spends on it, all levels of the hierarchy together, the same limits, and may spend it on the cells alone;\n\
         diffprivlib, which has pure epsilon only, gets the epsilon of that rho. (Who accounts in pure epsilon over all tables gets more accurate\n\
         tables where a person is in one cell, and far worse ones elsewhere; no engine here mixes both.) Mean absolute error of a cell:\n\n\
         {}\nTotals of encounters by region and class:\n\n{}\n{}",
        setting["persons"],
        setting["organisations"],
        setting["rho"].as_str().unwrap_or_default(),
        table(&header, &rows),
        table(&["", "mean absolute error"], &totals),
        origin(document),
    )
}

/// Rows of cells, without totals.
pub(super) fn plain(document: &Document) -> impl Iterator<Item = &Row> {
    document.rows.iter().filter(|row| row.name != REGIONS)
}
