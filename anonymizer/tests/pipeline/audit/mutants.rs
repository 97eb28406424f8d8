//! The auditor is audited: each of these broken pipelines must be caught.

use medrec_anonymizer::plan::Plan;
use medrec_domain::Rho;

use super::auditor::{Finding, judge};
use super::neighbours::{Noise, along, direction, exact, neighbours, noised, plan, quick_runs, seeded};
use crate::population::Population;

const ROWS: &str = "{ kind = \"row-count\" }";

/// What the auditor finds about a pipeline that claims what `honest` claims.
fn found(mutant: &Plan, all: &Population) -> Finding {
    let direction = direction(mutant, all);
    seeded(4, || {
        judge(&quick_runs(mutant, all, false, &direction), &quick_runs(mutant, all, true, &direction))
    })
}

/// Whether what was found passes what the honest plan claims.
fn refutes(found: &Finding, honest: &Plan, budget: &str) -> bool {
    if budget.starts_with("rho") { found.rho > honest.rho().to_f64_at_least() } else { found.epsilon > 1.0 }
}

fn scaled(mut plan: Plan, numerator: u64, denominator: u64) -> Plan {
    for measure in plan.tables.iter_mut().flat_map(|table| &mut table.measures) {
        for noise in &mut measure.noise {
            noise.scale = noise.scale.scaled(numerator, denominator).unwrap();
            // The library's own map would refuse to draw at the claimed sensitivity: the mutant lies about that too.
            noise.sensitivity = Rho::from_ratio(1, 1).unwrap();
        }
    }
    plan
}

#[test]
fn half_the_sensitivity_is_caught() {
    let all = neighbours();
    for budget in ["rho 1/2", "epsilon 1"] {
        let honest = plan(ROWS, budget);
        let found = found(&scaled(honest.clone(), 1, 2), &all);
        assert!(refutes(&found, &honest, budget), "{budget}: {found:?}");
    }
}

#[test]
fn a_missing_limit_of_rows_is_caught() {
    let all = neighbours();
    let honest = plan(ROWS, "rho 1/2");
    let mut mutant = honest.clone();
    mutant.tables[0].query.rows_per_person = u32::MAX;
    let found = found(&mutant, &all);
    assert!(found.rho > honest.rho().to_f64_at_least(), "{found:?}");
}

#[test]
fn a_limit_of_rows_off_by_one_is_caught() {
    let all = neighbours();
    for budget in ["rho 1/2", "epsilon 1"] {
        let honest = plan(ROWS, budget);
        let mut mutant = honest.clone();
        mutant.tables[0].query.rows_per_person += 1;
        let found = found(&mutant, &all);
        assert!(refutes(&found, &honest, budget), "{budget}: {found:?}");
    }
}

#[test]
fn a_missing_clip_of_values_is_caught() {
    let all = neighbours();
    let mean = "{ kind = \"mean\", field = \"measurement.value\", lower = -100, upper = 0, step = 1 }";
    let honest = plan(mean, "rho 1/2");
    // The mutant clips to bounds six times as wide as those that its noise was made for.
    let mut mutant = plan(&mean.replace("upper = 0", "upper = 500"), "rho 1/2");
    let noise = honest.tables[0].measures[0].noise.clone();
    mutant.tables[0].measures[0].noise = noise;
    let found = found(&mutant, &all);
    assert!(found.rho > honest.rho().to_f64_at_least(), "{found:?}");
}

#[test]
fn noise_used_twice_is_caught() {
    let all = neighbours();
    let measures = "{ kind = \"row-count\" }, { kind = \"person-count\" }";
    let honest = plan(measures, "rho 1/2");
    // Both vectors get the same noise, so their difference is exact.
    let mut difference = direction(&honest, &all);
    difference[1].iter_mut().for_each(|weight| *weight = -*weight * 4.0);
    let outputs = |with: bool| -> Vec<f64> {
        let exact = exact(&honest, &all, with);
        let mut drawn = Noise::of(&honest);
        (0..2000)
            .map(|_| {
                let mut noise = drawn.next();
                noise[1] = noise[0].clone();
                along(&difference, &noised(&exact, &noise))
            })
            .collect()
    };
    let found = seeded(5, || judge(&outputs(false), &outputs(true)));
    assert!(found.rho > honest.rho().to_f64_at_least(), "{found:?}");
}

#[test]
fn noise_seeded_from_a_block_is_caught() {
    // Whoever knows the block draws the noise again and takes it off: every run of one block is the same.
    let all = neighbours();
    let honest = plan(ROWS, "rho 1/2");
    let direction = direction(&honest, &all);
    let of_the_block = Noise::of(&honest).next();
    let output = |with: bool| along(&direction, &noised(&exact(&honest, &all, with), &of_the_block));
    let (without, with) = (vec![output(false); 2000], vec![output(true); 2000]);
    let found = judge(&without, &with);
    assert!(found.rho > honest.rho().to_f64_at_least(), "{found:?}");
}
