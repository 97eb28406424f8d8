//! Confidence intervals keep their word, and consistency helps.
//!
//! 10,000 releases of one population. For each statistic and level the share of intervals that hold the exact value must
//! lie within 1 point of 95 %. With 10,000 independent runs the standard deviation of a share is 0.22 points, less
//! over many cells; the noise's intervals cover 95.0 to 95.5 %, so a false alarm needs more than 2 standard deviations of a single cell and
//! more than 6 of the ten cells and more that each share pools.

use std::collections::BTreeMap;

use medrec_anonymizer::aggregate::aggregate;
use medrec_anonymizer::consent::Consents;
use medrec_anonymizer::figures::Statistic;
use medrec_anonymizer::mechanism::{NoiseSpec, draw};
use medrec_anonymizer::plan::{Budget, Plan};
use medrec_anonymizer::release::{add, figures};
use medrec_domain::Workload;
use medrec_domain::workload::Level;
use medrec_domain::workload::cells::PublicOrganisation;

use crate::plain::{options, organisations, window};
use crate::population::population;

const RUNS: usize = 10_000;

const TABLE: &str = r#"
name = "coverage"
version = 1
title = "Coverage"
hierarchy = ["nation", "region", "organisation"]
small_cell_threshold = 0

[dimensions]
region = { level = "region" }
organisation = { level = "organisation" }

[[tables]]
name = "values"
of = "measurement"
dimensions = ["region", "organisation"]
measures = [
    { kind = "row-count" },
    { kind = "mean", field = "measurement.value", lower = 0, upper = 400, step = 1 },
]
rows_per_person = 4
"#;

/// For each level, measure and kind of statistic: how many intervals held the truth, and how many there were.
type Seen = BTreeMap<(Option<Level>, u32, &'static str), (u64, u64)>;

fn kind(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Rows => "rows",
        Statistic::Values => "values",
        Statistic::Mean => "mean",
        _ => "other",
    }
}

fn releases(budget: Budget) -> Seen {
    let workload = Workload::parse("coverage.toml", TABLE).unwrap();
    let plan = Plan::new(&workload, budget, &organisations(), window()).unwrap();
    let all = population(11, 4000, 100_000);
    let exact = aggregate(&plan, &all, &Consents::everybody(), &options(), &()).unwrap().integers;
    let truth = figures(&plan, &exact).remove(0);
    let mut seen = Seen::default();
    for _ in 0..RUNS / 250 {
        let specs: Vec<NoiseSpec> = (0..250).flat_map(|_| plan.noise()).collect();
        let drawn = draw(&specs, &|| false).unwrap();
        for noise in drawn.chunks(plan.noise().len()) {
            let noisy = add(&exact, noise);
            let released = figures(&plan, &noisy).remove(0);
            for (figure, truth) in released.figures.iter().zip(&truth.figures) {
                let (Some(lower), Some(upper), Some(value)) = (figure.lower, figure.upper, truth.estimate)
                else {
                    panic!("a figure is missing");
                };
                let entry = seen.entry((figure.level, figure.measure, kind(figure.statistic)));
                let (covered, count) = entry.or_default();
                *covered += u64::from((lower - 1e-9..=upper + 1e-9).contains(&value));
                *count += 1;
            }
        }
    }
    seen
}

fn check(seen: &Seen) {
    for (of, (covered, count)) in seen {
        let share = *covered as f64 / *count as f64;
        assert!((0.94..=0.96).contains(&share), "{of:?}: {share} of {count} intervals hold the truth");
    }
}

#[test]
fn gaussian_intervals_cover_95_percent() {
    check(&releases(Budget::Rho("1/50".parse().unwrap())));
}

#[test]
fn laplace_intervals_cover_95_percent() {
    check(&releases(Budget::Epsilon("1/2".parse().unwrap())));
}

/// Mean absolute error of the rows of a region over releases, by the published figure or by summing organisations.
fn region_error(workload: &str, by_sum: bool) -> f64 {
    let workload = Workload::parse("coverage.toml", workload).unwrap();
    let organisations: Vec<PublicOrganisation> = (0..60)
        .map(|number| PublicOrganisation {
            id: format!("org{number}"),
            nation: Some("US".into()),
            region: Some(if number < 30 { "MA" } else { "NY" }.into()),
        })
        .collect();
    let budget = Budget::Rho("1/50".parse().unwrap());
    let plan = Plan::new(&workload, budget, &organisations, window()).unwrap();
    let all = population(12, 2000, 100_000);
    let exact = aggregate(&plan, &all, &Consents::everybody(), &options(), &()).unwrap().integers;
    let total = |noisy: &[Vec<i64>]| -> f64 {
        let released = figures(&plan, noisy).remove(0);
        if by_sum {
            let own = released.raw.iter().filter(|raw| raw.level.is_none() && &*raw.cell[0] == "MA");
            own.map(|raw| raw.value.unwrap() as f64).sum()
        } else {
            let mut own = released.figures.iter().filter(|figure| figure.level == Some(Level::Region));
            own.find(|figure| &*figure.cell[0] == "MA").unwrap().estimate.unwrap()
        }
    };
    let truth = total(&exact);
    let specs: Vec<NoiseSpec> = (0..500).flat_map(|_| plan.noise()).collect();
    let drawn = draw(&specs, &|| false).unwrap();
    let errors = drawn.chunks(plan.noise().len()).map(|noise| (total(&add(&exact, noise)) - truth).abs());
    errors.sum::<f64>() / 500.0
}

#[test]
fn totals_by_region_err_at_most_half_as_much_as_summed_organisations() {
    // The sum has the whole budget on its organisations, the consistent table a third of it on each level.
    let counts = TABLE.replace(
        "    { kind = \"mean\", field = \"measurement.value\", lower = 0, upper = 400, step = 1 },\n",
        "",
    );
    let flat = counts.replace("hierarchy = [\"nation\", \"region\", \"organisation\"]", "hierarchy = []");
    let (consistent, summed) = (region_error(&counts, false), region_error(&flat, true));
    // Each mean of 500 errors has a standard deviation of 3.4 %.
    assert!(2.0 * consistent <= summed, "{consistent} against {summed}");
}
