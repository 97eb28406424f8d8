//! `--dry-run`: what would be released, at what cost, with which error.

use std::fmt::Write as _;

use medrec_anonymizer::plan::Plan;
use medrec_anonymizer::postprocess::{self, Forecast};
use medrec_domain::manifest::{EpsilonAtDelta, Mechanism};
use medrec_domain::{CalendarDate, Rho};
use serde::Serialize;

use super::wording::short;
use crate::shell::Shell;
use crate::table::aligned;

#[derive(Serialize)]
struct DryRun {
    workload: String,
    from: CalendarDate,
    until: CalendarDate,
    organisations: usize,
    rho: Rho,
    epsilon: Vec<EpsilonAtDelta>,
    /// What the ledger has left; its cap where there is no ledger yet.
    left: Rho,
    is_affordable: bool,
    measures: Vec<Forecast>,
}

pub(super) fn tell(plan: &Plan, left: Rho, shell: &mut Shell) -> anyhow::Result<()> {
    let rho = plan.rho();
    let dry = DryRun {
        workload: plan.workload.name.clone(),
        from: plan.window.from,
        until: plan.window.until,
        organisations: plan.organisations.len(),
        epsilon: medrec_anonymizer::accounting::epsilons(&rho)?,
        is_affordable: rho <= left,
        rho,
        left,
        measures: postprocess::forecast(plan),
    };
    if shell.wants_json() {
        return shell.json(&dry);
    }
    let header =
        ["table", "level", "measure", "cells", "noise", "scale", "of", "standard error", "95 % within"];
    let rows: Vec<Vec<String>> = dry
        .measures
        .iter()
        .map(|row| {
            let level = row.level.map(|level| format!("{level:?}").to_lowercase());
            vec![
                row.table.clone(),
                level.unwrap_or_else(|| "cells".into()),
                row.measure.clone(),
                row.cells.to_string(),
                match row.mechanism {
                    Mechanism::DiscreteLaplace => "Laplace".into(),
                    _ => "Gaussian".into(),
                },
                format!("{:.1}", row.scale.to_f64_at_least()),
                row.unit.to_owned(),
                format!("{:.1}", row.standard_error),
                format!("{:.1}", row.half_width_95),
            ]
        })
        .collect();
    let mut text = aligned(&header.map(str::to_owned), &rows);
    let epsilon: Vec<String> =
        dry.epsilon.iter().map(|at| format!("{} at delta {}", at.epsilon, at.delta)).collect();
    let verdict = if dry.is_affordable { "the budget allows it" } else { "the budget does not allow it" };
    let _ = writeln!(
        text,
        "\n{} from {} until {} (exclusive), {} organisations\ncosts rho {} = epsilon {}\nleft rho {}: {verdict}\n\
         nothing but the public list of organisations was looked at, nothing was charged",
        dry.workload,
        dry.from,
        dry.until,
        dry.organisations,
        short(&dry.rho),
        epsilon.join(", "),
        short(&dry.left),
    );
    shell.result(&text)
}
