//! The claim holds, and little of the noise is wasted.

use super::auditor::judge;
use super::neighbours::{
    Noise, RUNS, along, direction, exact, neighbours, noised, plan, plan_of_days, runs, seeded, weekly,
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
    audit_rho("{ kind = \"row-count\" }", RUNS);
}

#[test]
fn means_keep_their_rho_and_use_most_of_it() {
    // The heavy person's values pass the upper bound, so that every row weighs as much as it may.
    audit_rho("{ kind = \"mean\", field = \"measurement.value\", lower = -100, upper = 0, step = 1 }", RUNS);
}

#[test]
fn counts_of_rows_keep_their_epsilon_and_use_most_of_it() {
    audit_epsilon("{ kind = \"row-count\" }", RUNS);
}

#[test]
fn means_keep_their_epsilon_and_use_most_of_it() {
    audit_epsilon(
        "{ kind = \"mean\", field = \"measurement.value\", lower = -100, upper = 0, step = 1 }",
        RUNS,
    );
}

/// Means of two weeks, one after the other; the person comes in the second week, as the newest patient does. Whoever subtracts
/// the first release from the second holds everybody else still and sees her, under the noise of both. Means are made from the
/// noisy vectors that are taken here, so no attack on means does better than the best one on these.
#[test]
fn differences_of_successive_weekly_means_tell_no_more_than_the_week_that_she_is_in_costs() {
    let mean = "{ kind = \"mean\", field = \"measurement.value\", lower = -100, upper = 0, step = 1 }";
    let all = weekly();
    let first = plan_of_days(mean, "rho 1/2", ["2024-01-01", "2024-01-08"]);
    let second = plan_of_days(mean, "rho 1/2", ["2024-01-08", "2024-01-15"]);
    let direction = direction(&second, &all);
    assert_eq!(exact(&first, &all, true), exact(&first, &all, false), "she is in the second week only");
    let difference = |with: bool| -> Vec<f64> {
        let (mut before, mut after) = (Noise::of(&first), Noise::of(&second));
        let week_before = exact(&first, &all, with);
        (0..RUNS)
            .map(|_| {
                let one = noised(&week_before, &before.next());
                let two = noised(&exact(&second, &all, with), &after.next());
                along(&direction, &two) - along(&direction, &one)
            })
            .collect()
    };
    let found = seeded(3, || judge(&difference(false), &difference(true)));
    let claim = second.rho().to_f64_at_least();
    assert!(found.rho <= claim, "rho {} refutes the claim {claim}", found.rho);
    // The noise of both weeks is twice that of one, so half of the claim is there to be seen; most of it must be.
    assert!(
        found.rho >= claim / 4.0,
        "only rho {} of {claim} is seen: the attack is not the real one",
        found.rho
    );
}

/// As above, had the second week reused the noise of the first: its difference would be exact, and the attack must see it.
#[test]
fn the_same_difference_over_reused_noise_is_caught() {
    let mean = "{ kind = \"mean\", field = \"measurement.value\", lower = -100, upper = 0, step = 1 }";
    let all = weekly();
    let first = plan_of_days(mean, "rho 1/2", ["2024-01-01", "2024-01-08"]);
    let second = plan_of_days(mean, "rho 1/2", ["2024-01-08", "2024-01-15"]);
    let direction = direction(&second, &all);
    let difference = |with: bool| -> Vec<f64> {
        let (before, after) = (exact(&first, &all, with), exact(&second, &all, with));
        let mut noise = Noise::of(&first);
        (0..2000)
            .map(|_| {
                let both = noise.next();
                along(&direction, &noised(&after, &both)) - along(&direction, &noised(&before, &both))
            })
            .collect()
    };
    let found = seeded(6, || judge(&difference(false), &difference(true)));
    assert!(found.rho > second.rho().to_f64_at_least(), "{found:?}");
}
