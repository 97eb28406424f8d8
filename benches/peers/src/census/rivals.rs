//! Rivals of the census: scripts in Python, one process a round.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use medrec_benches::accuracy::Figure;
use medrec_benches::record::Missing;
use serde::Deserialize;

use super::ours::{Released, TABLES, Tables};
use crate::anonymize::python;
use crate::sources;

/// A rival's script.
pub(super) struct Rival {
    pub(super) name: &'static str,
    script: &'static str,
    requirements: &'static str,
    pub(super) is_slow: bool,
}

/// Everybody else who counts persons under a limit.
pub(super) const RIVALS: [Rival; 3] = [
    Rival { name: "OpenDP 0.16 polars", script: "census_opendp", requirements: "opendp", is_slow: false },
    Rival {
        name: "diffprivlib 0.6.6",
        script: "census_diffprivlib",
        requirements: "diffprivlib",
        is_slow: false,
    },
    Rival { name: "Tumult Analytics 0.21", script: "census_tumult", requirements: "tumult", is_slow: true },
];

/// What a script writes.
#[derive(Deserialize)]
struct Answer {
    tables: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Rival {
    pub(super) fn run(&self, home: &Path, flat: &Path) -> anyhow::Result<Tables> {
        let folder = Path::new("benches/peers/python");
        let python = python(&folder.join(format!("requirements-{}.txt", self.requirements)))?;
        let file = home.join("answer.json");
        let mut command = Command::new(python);
        sources::run(command.arg(folder.join(format!("{}.py", self.script))).arg(flat).arg(&file))?;
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let answer: Answer = serde_json::from_str(&text)?;
        let cells = |cells: BTreeMap<String, f64>| {
            cells.into_iter().map(|(cell, count)| (cell, Figure { count, sum: None })).collect()
        };
        Ok(answer.tables.into_iter().map(|(table, counts)| (table, cells(counts))).collect())
    }

    pub(super) fn missing(&self, error: &anyhow::Error) -> Missing {
        Missing {
            engine: self.name.to_owned(),
            measure: "census".to_owned(),
            reason: format!("{error:#}"),
            hint: format!(
                "cargo xtask python benches/peers/python/requirements-{}.txt -c pass",
                self.requirements
            ),
        }
    }
}

/// Tells the rivals what is asked: tables, cells, limits and what each may cost.
pub(super) fn tables(flat: &Path, released: &Released) -> anyhow::Result<()> {
    let tables: Vec<serde_json::Value> = TABLES
        .iter()
        .filter_map(|&(name, is_of_persons)| {
            let (limit, rho) = released.limits.get(name)?;
            let cells: Vec<&String> = released.cells.get(name)?.keys().collect();
            Some(serde_json::json!({
                "name": name, "is_of_persons": is_of_persons, "limit": limit, "rho": rho, "cells": cells,
            }))
        })
        .collect();
    let path = flat.join("tables.json");
    std::fs::write(&path, serde_json::to_string(&tables)?).with_context(|| path.display().to_string())
}
