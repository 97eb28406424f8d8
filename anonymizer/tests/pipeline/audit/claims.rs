//! The claim holds, and little of the noise is wasted.

use super::auditor::judge;
use super::neighbours::{
    FEW_RUNS, Noise, RUNS, along, direction, exact, neighbours, noised, plan, runs, seeded,
};

/// The claim in rho is not passed and more than half of it is seen.
fn audit_rho(measure: &str, count: usize) {
    let all = neighbours();
    let plan = plan(measure, "rho 1/2");
    let direction = direction(&plan, &all);
    let found = seeded(1, || {
        judge(&runs(count, &plan, &all, false, &direction), &runs(count, &plan, &all, true, &direction))
    });
    let claim = plan.rho().to_f64_at_least();
    assert!(found.rho <= claim, "{measure}: rho {} refutes the claim {claim}", found.rho);
    assert!(found.rho >= claim / 2.0, "{measure}: only rho {} of {claim} is seen", found.rho);
}

fn audit_epsilon(measure: &str, count: usize) {
    let all = neighbours();
    let plan = plan(measure, "epsilon 1");
    let direction = direction(&plan, &all);
    let found = seeded(2, || {
        judge(&runs(count, &plan, &all, false, &direction), &runs(count, &plan, &all, true, &direction))
    });
    assert!(found.epsilon <= 1.0, "{measure}: epsilon {} refutes the claim 1", found.epsilon);
    assert!(found.epsilon >= 0.5, "{measure}: only epsilon {} of 1 is seen", found.epsilon);
}

#[test]
fn counts_of_rows_keep_their_rho_and_use_most_of_it() {
    audit_rho("{ kind = \"row-count\" }", FEW_RUNS);
}

#[test]
fn means_keep_their_rho_and_use_most_of_it() {
    // The heavy person's values pass the upper bound, so that every row weighs as much as it may.
    audit_rho("{ kind = \"mean\", field = \"measurement.value\", lower = -100, upper = 0, step = 1 }", RUNS);
}

#[test]
fn counts_of_rows_keep_their_epsilon_and_use_most_of_it() {
    audit_epsilon("{ kind = \"row-count\" }", FEW_RUNS);
}

#[test]
fn means_keep_their_epsilon_and_use_most_of_it() {
    audit_epsilon(
        "{ kind = \"mean\", field = \"measurement.value\", lower = -100, upper = 0, step = 1 }",
        RUNS,
    );
}

#[test]
fn differences_of_weekly_means_tell_no_more_than_two_releases_cost() {
    // Two releases of one table, a week apart: the person is in the second week only. The difference of both
    // is what an attacker would take; it costs at most what both together cost.
    let all = neighbours();
    let plan = plan("{ kind = \"row-count\" }", "rho 1/4");
    let direction = direction(&plan, &all);
    let before = exact(&plan, &all, false);
    let difference = |with: bool| -> Vec<f64> {
        let mut noise = Noise::of(&plan);
        (0..FEW_RUNS)
            .map(|_| {
                let first = noised(&before, &noise.next());
                let second = noised(&exact(&plan, &all, with), &noise.next());
                along(&direction, &second) - along(&direction, &first)
            })
            .collect()
    };
    let found = seeded(3, || judge(&difference(false), &difference(true)));
    let both = 2.0 * plan.rho().to_f64_at_least();
    assert!(found.rho <= both, "rho {} refutes the claim {both}", found.rho);
}
