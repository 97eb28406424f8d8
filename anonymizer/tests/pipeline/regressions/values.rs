//! Values that are no numbers, or too large, or sit on an edge.

use std::collections::BTreeSet;

use medrec_anonymizer::aggregate::{Options, aggregate};
use medrec_anonymizer::consent::Consents;
use medrec_anonymizer::ledger::{Ledger, Stage};
use medrec_anonymizer::release::{Accounting, Outcome, Request, add, figures, prepare};
use medrec_domain::identifier::PersonId;
use medrec_domain::keccak256;
use medrec_domain::schema::Table;

use crate::plain::{WORKLOAD, labelled, options, plan};
use crate::population::{DAY_0, Population, Value, population};

/// Everything that a column of numbers can hold and a careless cast, cut or remainder stumbles over.
const ODD: [f64; 19] = [
    f64::NAN,
    -f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    -0.0,
    0.0,
    0.25,
    150.0,
    299.75,
    300.0,
    300.000_000_1,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    18_446_744_073_709_551_616.0,
    1e300,
];

const ODD_PERSON: u64 = 0xABCD;

/// Adds a person with these rows of diabetes in January; `None` is a null.
fn with_person(mut all: Population, values: impl IntoIterator<Item = Option<f64>>) -> Population {
    all.push(Table::Person, [("person_id", Value::Id(ODD_PERSON)), ("sex", Value::Word("female".into()))]);
    for value in values {
        let mut cells = vec![
            ("person_id", Value::Id(ODD_PERSON)),
            ("code_system", Value::Word("snomed".into())),
            ("code", Value::Word("44054006".into())),
            ("date", Value::Day(DAY_0)),
            ("organisation_id", Value::Word("org0".into())),
        ];
        cells.extend(value.map(|value| ("value", Value::Number(value))));
        all.push(Table::Measurement, cells);
    }
    all
}

#[test]
fn no_value_moves_a_vector_by_more_than_its_sensitivity() {
    let everybody = Consents::everybody();
    for limit in [1, 3, 30] {
        let plan = plan(&WORKLOAD.replace("rows_per_person = 1000", &format!("rows_per_person = {limit}")));
        let every_one = ODD.iter().map(|value| vec![Some(*value); 40]);
        let mixed = ODD.iter().map(|value| Some(*value)).chain([None; 5]).collect();
        for values in every_one.chain([mixed, vec![None; 40]]) {
            let all = with_person(population(41, 20, 7), values.clone());
            let with = aggregate(&plan, &all, &everybody, &options(), &()).unwrap().integers;
            let left_out = Options { left_out: BTreeSet::from([PersonId(ODD_PERSON)]), ..options() };
            let without = aggregate(&plan, &all, &everybody, &left_out, &()).unwrap().integers;
            let measures = plan.tables.iter().flat_map(|table| &table.measures);
            let bounds = measures.flat_map(|measure| measure.noise.iter().map(|_| measure.sensitivity));
            for ((with, without), bound) in with.iter().zip(&without).zip(bounds) {
                let change = || with.iter().zip(without).map(|(one, two)| u128::from(one.abs_diff(*two)));
                assert!(change().sum::<u128>() <= bound.l1, "{values:?}");
                assert!(
                    change().map(|change| change * change).sum::<u128>() <= bound.l2_squared,
                    "{values:?}"
                );
            }
        }
    }
}

#[test]
fn a_number_falls_into_exactly_one_bin_and_what_is_none_into_no_bin() {
    let (plan, everybody) = (plan(WORKLOAD), Consents::everybody());
    for value in ODD {
        let all = with_person(Population::new(8), [Some(value), None]);
        let exact = aggregate(&plan, &all, &everybody, &options(), &()).unwrap().integers;
        let expected = i64::from(!value.is_nan());
        for measure in [0, 1] {
            let bins = labelled(&plan, 2, measure, 0, &exact);
            assert_eq!(bins.values().sum::<i64>(), expected, "{value} in measure {measure}: {bins:?}");
        }
        // Both rows are rows, whatever their value is; only the number is a value of the mean.
        assert_eq!(labelled(&plan, 1, 0, 0, &exact).values().sum::<i64>(), 2, "{value}");
        assert_eq!(labelled(&plan, 1, 2, 0, &exact).values().sum::<i64>(), expected * 600, "{value}");
    }
}

/// Seven bins over 600 steps: a width that no bin has exactly, and a last bin that must take the upper bound.
#[test]
fn bins_that_do_not_divide_the_steps_take_every_step_once() {
    let (plan, everybody) = (plan(WORKLOAD), Consents::everybody());
    let steps = (0..=600).map(|step| Some(f64::from(step) / 2.0));
    let exact = aggregate(&plan, &with_person(Population::new(99), steps), &everybody, &options(), &());
    let bins = labelled(&plan, 2, 0, 0, &exact.unwrap().integers);
    assert_eq!(bins.len(), 7);
    assert_eq!(bins.values().sum::<i64>(), 601);
    assert!(bins.values().all(|count| (85..=87).contains(count)), "{bins:?}");
}

#[test]
fn impossible_birth_years_and_days_never_leave_the_declared_cells() {
    let (plan, everybody) = (plan(WORKLOAD), Consents::everybody());
    let mut all = Population::new(3);
    let days = [i32::MIN, i32::MAX, DAY_0 - 1, DAY_0, DAY_0 + 365, DAY_0 + 366, 0];
    for (person, year) in (1..).zip([i16::MIN, i16::MAX, 0, -1, 2025, 1850, 2024]) {
        all.push(Table::Person, [("person_id", Value::Id(person)), ("birth_year", Value::Year(year))]);
        for day in days {
            let cells = [
                ("person_id", Value::Id(person)),
                ("code_system", Value::Word("snomed".into())),
                ("code", Value::Word("44054006".into())),
                ("date", Value::Day(day)),
                ("value", Value::Number(1.0)),
            ];
            all.push(Table::Measurement, cells);
        }
    }
    let exact = aggregate(&plan, &all, &everybody, &options(), &()).unwrap().integers;
    assert_eq!(labelled(&plan, 0, 0, 0, &exact).values().sum::<i64>(), 7, "everybody has one cell");
    assert_eq!(labelled(&plan, 2, 0, 0, &exact).values().sum::<i64>(), 14, "two of the days lie in the year");
}

/// An exact count never leaves: every vector has noise of its own, and what is published is the sum of both.
#[test]
fn every_vector_carries_noise_of_its_own_whatever_the_values() {
    let folder = tempfile::TempDir::new().unwrap();
    let (file, key) = (folder.path().join("ledger.redb"), folder.path().join("ledger.key"));
    let ledger = Ledger::create(&file, &key, &"1".parse().unwrap()).unwrap();
    let (plan, everybody) = (plan(WORKLOAD), Consents::everybody());
    let all = with_person(population(42, 60, 17), ODD.map(Some));
    let request = Request {
        id: keccak256(b"odd"),
        plan: &plan,
        records: &all,
        consents: &everybody,
        options: options(),
        accounting: Accounting::Uniform,
    };
    let Outcome::Prepared(published) = prepare(&request, &ledger, &()).unwrap() else {
        panic!("nothing was committed")
    };
    let Some(Stage::Drawn(noise)) = ledger.stage(request.id).unwrap() else { panic!("no noise was kept") };
    let exact = aggregate(&plan, &all, &everybody, &options(), &()).unwrap().integers;
    assert_eq!(published, figures(&plan, &add(&exact, &noise)));
    assert_eq!(noise.len(), exact.len());
    for (index, (noise, exact)) in noise.iter().zip(&exact).enumerate() {
        assert_eq!(noise.len(), exact.len(), "vector {index} is not covered by noise");
    }
    // Vectors of three integers or more: that one of them is all zeros, or that two agree, has a chance below 1e-6.
    let long: Vec<&Vec<i64>> = noise.iter().filter(|noise| noise.len() >= 3).collect();
    assert!(long.len() > 10 && long.iter().all(|noise| noise.iter().any(|&value| value != 0)));
    let distinct: BTreeSet<&Vec<i64>> = long.iter().copied().collect();
    assert_eq!(distinct.len(), long.len(), "two vectors share their noise");
    assert!(plan.noise().iter().all(|spec| spec.scale.numerator() > spec.scale.denominator()));
}
