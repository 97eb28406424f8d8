//! The pipeline under audit: a population with one heavy person, and runs of it.

use std::collections::BTreeSet;

use medrec_anonymizer::aggregate::{Options, aggregate};
use medrec_anonymizer::bounding::BoundingKey;
use medrec_anonymizer::consent::Consents;
use medrec_anonymizer::mechanism::{NoiseSpec, draw};
use medrec_anonymizer::plan::{Budget, Plan};
use medrec_domain::Workload;
use medrec_domain::identifier::PersonId;
use medrec_domain::schema::Table;
use medrec_domain::workload::cells::Window;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::plain::id;
use crate::population::{DAY_0, Population, Value};

/// Runs on each side of the audits of a claim.
pub(crate) const RUNS: usize = 50_000;
/// The heavy person.
pub(crate) const HEAVY: PersonId = PersonId(7);

/// One table of counts of rows by sex and of persons by sex.
pub(crate) const WORKLOAD: &str = r#"
name = "audit"
version = 1
title = "Audit"
small_cell_threshold = 0

[dimensions]
sex = { field = "person.sex", values = ["female", "male"] }

[[tables]]
name = "rows"
of = "measurement"
dimensions = ["sex"]
measures = [{ kind = "MEASURE" }]
rows_per_person = 4
"#;

/// A few light persons, and one with as many rows as the heaviest of Synthea's sample.
pub(crate) fn neighbours() -> Population {
    let mut all = Population::new(1 << 20);
    for person in 1..=7_u64 {
        all.push(Table::Person, [("person_id", Value::Id(person)), ("sex", Value::Word("female".into()))]);
        let rows = if PersonId(person) == HEAVY { 1467 } else { 2 };
        for row in 0..rows {
            all.push(
                Table::Measurement,
                [
                    ("person_id", Value::Id(person)),
                    ("code_system", Value::Word("loinc".into())),
                    ("code", Value::Word("1".into())),
                    ("date", Value::Day(DAY_0)),
                    ("value", Value::Number(f64::from(row % 7) * 100.0)),
                ],
            );
        }
    }
    all
}

/// As [`neighbours`], over two weeks: the others have their rows in both, the heavy person all of hers in the second.
pub(crate) fn weekly() -> Population {
    let mut all = neighbours();
    let rows = all.rows.remove(&Table::Measurement).unwrap();
    for row in rows {
        let days = if id(&row) == HEAVY.0 { vec![8] } else { vec![1, 8] };
        for day in days {
            let mut row = row.clone();
            row.insert("date", Value::Day(DAY_0 + day));
            all.rows.entry(Table::Measurement).or_default().push(row);
        }
    }
    all
}

/// A plan at a loss that an audit of this many runs can see.
pub(crate) fn plan(measure: &str, budget: &str) -> Plan {
    plan_of_days(measure, budget, ["2024-01-01", "2025-01-01"])
}

/// As [`plan`], for a window from one day until before another.
pub(crate) fn plan_of_days(measure: &str, budget: &str, [from, until]: [&str; 2]) -> Plan {
    let text = WORKLOAD.replace("{ kind = \"MEASURE\" }", measure);
    let workload = Workload::parse("audit.toml", &text).unwrap();
    let window = Window { from: from.parse().unwrap(), until: until.parse().unwrap() };
    let (kind, amount) = budget.split_once(' ').unwrap();
    let amount = amount.parse().unwrap();
    let budget = if kind == "rho" { Budget::Rho(amount) } else { Budget::Epsilon(amount) };
    Plan::new(&workload, budget, &[], window).unwrap()
}

/// The exact integers with or without the heavy person.
pub(crate) fn exact(plan: &Plan, all: &Population, with: bool) -> Vec<Vec<i64>> {
    let mut options = Options::new(BoundingKey([5; 16]));
    if !with {
        options.left_out = BTreeSet::from([HEAVY]);
    }
    aggregate(plan, all, &Consents::everybody(), &options, &()).unwrap().integers
}

/// The direction in which one person moves the integers.
pub(crate) fn direction(plan: &Plan, all: &Population) -> Vec<Vec<f64>> {
    let (with, without) = (exact(plan, all, true), exact(plan, all, false));
    with.iter()
        .zip(&without)
        .map(|(with, without)| with.iter().zip(without).map(|(one, two)| (one - two) as f64).collect())
        .collect()
}

/// A noisy output along a direction.
pub(crate) fn along(direction: &[Vec<f64>], noisy: &[Vec<i64>]) -> f64 {
    let of = |(direction, noisy): (&Vec<f64>, &Vec<i64>)| -> f64 {
        direction.iter().zip(noisy).map(|(weight, &value)| weight * value as f64).sum()
    };
    direction.iter().zip(noisy).map(of).sum()
}

/// Adds noise as a release does.
pub(crate) fn noised(exact: &[Vec<i64>], noise: &[Vec<i64>]) -> Vec<Vec<i64>> {
    medrec_anonymizer::release::add(exact, noise)
}

/// Noise of many runs, drawn a few hundred runs at a time: a call of `draw` takes 20 ms at least, so that its
/// time tells nothing.
pub(crate) struct Noise {
    specs: Vec<NoiseSpec>,
    drawn: Vec<Vec<i64>>,
}

impl Noise {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self { specs: plan.noise(), drawn: Vec::new() }
    }

    /// The vectors of the next run.
    pub(crate) fn next(&mut self) -> Vec<Vec<i64>> {
        if self.drawn.is_empty() {
            let many: Vec<NoiseSpec> = (0..500).flat_map(|_| self.specs.iter().cloned()).collect();
            self.drawn = draw(&many, &|| false).unwrap();
        }
        self.drawn.split_off(self.drawn.len() - self.specs.len())
    }
}

/// Outputs of many runs of the pipeline along a direction.
pub(crate) fn runs(
    count: usize,
    plan: &Plan,
    all: &Population,
    with: bool,
    direction: &[Vec<f64>],
) -> Vec<f64> {
    let mut noise = Noise::of(plan);
    (0..count).map(|_| along(direction, &noised(&exact(plan, all, with), &noise.next()))).collect()
}

/// As [`runs`], with the exact integers made once a side: for mutants, whose exact integers do not change from run to
/// run either.
pub(crate) fn quick_runs(plan: &Plan, all: &Population, with: bool, direction: &[Vec<f64>]) -> Vec<f64> {
    let (mut noise, exact) = (Noise::of(plan), exact(plan, all, with));
    (0..RUNS).map(|_| along(direction, &noised(&exact, &noise.next()))).collect()
}

/// Runs `work` on one thread of its own, with random bits from a seeded generator.
pub(crate) fn seeded<T: Send>(seed: u64, work: impl FnOnce() -> T + Send) -> T {
    let alone = move || {
        let mut bits = ChaCha20Rng::seed_from_u64(seed);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().unwrap();
        generator::door::with_source(move |buffer| bits.fill_bytes(buffer), || pool.install(work))
    };
    // A thread belongs to one pool for ever, so each call takes a new one.
    std::thread::scope(|scope| scope.spawn(alone).join().unwrap())
}
