//! An auditor that tries to refute the privacy claim.
//!
//! It runs a pipeline many times on two neighbouring inputs, projects what comes out onto the direction in
//! which the inputs differ, and asks how well a threshold tells them apart. Any rho-zCDP mechanism
//! that adds Gaussian noise with the claimed loss allows a trade-off of
//! `quantile(true positives) - quantile(false positives) <= sqrt(2 rho)` (Dong, Roth and Su 2022, Gaussian differential privacy), any
//! pure epsilon one `ln(true positives / false positives) <= epsilon`. Both rates are bounded by Clopper and Pearson's
//! exact intervals, at a level that makes a false alarm less likely than 1e-6 a verdict.
//!
//! The threshold is chosen on one half of the runs and judged on the other, so that choosing it costs nothing.

/// False-alarm rate of each bound of a rate; a verdict uses two.
const FALSE_ALARM: f64 = 5e-7;

/// What the auditor found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finding {
    /// Lower bound of epsilon, from the ratio of the rates.
    pub(crate) epsilon: f64,
    /// Lower bound of rho, from the distance of their normal quantiles.
    pub(crate) rho: f64,
}

/// Judges samples of the projected outputs: without and with the person.
pub(crate) fn judge(without: &[f64], with: &[f64]) -> Finding {
    let half = |samples: &[f64]| {
        let (choose, judge) = samples.split_at(samples.len() / 2);
        (choose.to_vec(), judge.to_vec())
    };
    let ((choose_without, judge_without), (choose_with, judge_with)) = (half(without), half(with));
    let mut all: Vec<f64> = choose_without.iter().chain(&choose_with).copied().collect();
    all.sort_unstable_by(f64::total_cmp);
    // Candidates: quantiles of the pooled halves.
    let candidates: Vec<f64> = (1..200).map(|part| all[all.len() * part / 200]).collect();
    let mut best = Finding { epsilon: 0.0, rho: 0.0 };
    let chosen = |value: fn(&Finding) -> f64| {
        candidates
            .iter()
            .copied()
            .max_by(|one, two| {
                let of = |threshold: f64| value(&at(&choose_without, &choose_with, threshold));
                of(*one).total_cmp(&of(*two))
            })
            .unwrap()
    };
    best.epsilon = at(&judge_without, &judge_with, chosen(|finding| finding.epsilon)).epsilon;
    best.rho = at(&judge_without, &judge_with, chosen(|finding| finding.rho)).rho;
    best
}

/// The bounds at one threshold.
fn at(without: &[f64], with: &[f64], threshold: f64) -> Finding {
    let above = |samples: &[f64]| samples.iter().filter(|&&value| value >= threshold).count();
    let (positives, false_positives) = (above(with), above(without));
    let truly = lower_rate(positives, with.len());
    let falsely = upper_rate(false_positives, without.len());
    let distance = (normal_quantile(truly) - normal_quantile(falsely)).max(0.0);
    Finding { epsilon: (truly / falsely).ln().max(0.0), rho: distance * distance / 2.0 }
}

/// Clopper-Pearson lower bound of a rate: the `p` for which as many successes or more have the chance of a
/// false alarm.
fn lower_rate(successes: usize, trials: usize) -> f64 {
    if successes == 0 {
        return f64::MIN_POSITIVE;
    }
    bisect(|rate| upper_tail(successes, trials, rate) < FALSE_ALARM).max(f64::MIN_POSITIVE)
}

/// Clopper-Pearson upper bound of a rate.
fn upper_rate(successes: usize, trials: usize) -> f64 {
    1.0 - lower_rate(trials - successes, trials).min(1.0 - f64::EPSILON)
}

/// The largest rate for which `below` still holds.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if below(middle) { low = middle } else { high = middle }
    }
    low
}

/// `P(successes >= s)` of a binomial, bounded from above by Chernoff's bound, which is never below the exact tail: the bounds on
/// rates stay valid and get a little wider.
fn upper_tail(successes: usize, trials: usize, rate: f64) -> f64 {
    let share = successes as f64 / trials as f64;
    if share <= rate {
        return 1.0;
    }
    if rate <= 0.0 {
        return 0.0;
    }
    let rest = if share < 1.0 { (1.0 - share) * ((1.0 - share) / (1.0 - rate)).ln() } else { 0.0 };
    (-(trials as f64) * (share * (share / rate).ln() + rest)).exp()
}

/// Quantile of the standard normal distribution, by bisection of its distribution function.
pub(crate) fn normal_quantile(rate: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if normal(middle) < rate { low = middle } else { high = middle }
    }
    low
}

/// Distribution function of the standard normal, by the continued fraction and series of Abramowitz and Stegun 26.2.
fn normal(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let z = x.abs();
    let tail = if z < 3.0 {
        // Series: 1/2 + density * (z + z^3/3 + z^5/15 + ...).
        let (mut term, mut sum) = (z, z);
        for odd in 1..60 {
            term *= z * z / f64::from(2 * odd + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        let fraction = (1..60).rev().fold(0.0, |rest, k| f64::from(k) / (z + rest));
        density / (z + fraction)
    };
    if x < 0.0 { tail } else { 1.0 - tail }
}

#[test]
fn the_normal_quantile_is_known_at_known_points() {
    for (rate, quantile) in [(0.5, 0.0), (0.975, 1.959_964), (0.025, -1.959_964), (0.999_9, 3.719_016)] {
        assert!((normal_quantile(rate) - quantile).abs() < 1e-4, "{rate}");
    }
}

#[test]
fn bounds_of_rates_enclose_the_rate_seen() {
    assert!(lower_rate(500, 1000) < 0.5 && upper_rate(500, 1000) > 0.5);
    assert!((upper_rate(0, 1000) - 0.0144).abs() < 0.002);
    assert!(lower_rate(1000, 1000) > 0.98);
}
