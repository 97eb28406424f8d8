//! Exact aggregates against a plain re-implementation, whatever the parts, passes and threads.

use std::collections::{BTreeMap, BTreeSet};

use medrec_anonymizer::aggregate::{Options, aggregate};
use medrec_anonymizer::consent::Consents;
use medrec_domain::identifier::PersonId;
use medrec_domain::schema::Table;

use crate::plain::{
    Counted, WORKLOAD, age_band, id, in_window, labelled, options, place, plan, sex, value, what,
};
use crate::population::{Population, Value, population};

#[test]
fn every_measure_equals_its_plain_definition() {
    let all = population(1, 400, 37);
    let plan = plan(WORKLOAD);
    let exact = aggregate(&plan, &all, &Consents::everybody(), &options(), &()).unwrap();

    let mut people = [Counted::new(), Counted::new(), Counted::new()];
    for row in &all.rows[&Table::Person] {
        let [region, organisation] = place(row);
        let rest = [age_band(row), sex(row)];
        let key =
            |place: [&str; 2]| (place.iter().map(|&label| label.to_owned()).chain(rest.clone()).collect(), 0);
        *people[0].entry(key([&region, &organisation])).or_default() += 1;
        *people[1].entry(key([&region, "all"])).or_default() += 1;
        *people[2].entry(key(["all", "all"])).or_default() += 1;
    }
    for (level, expected) in people.iter().enumerate() {
        assert_eq!(&labelled(&plan, 0, 0, level, &exact.integers), expected, "level {level}");
    }

    let (mut rows, mut persons, mut sums) =
        (Counted::new(), BTreeMap::<_, BTreeSet<u64>>::new(), Counted::new());
    for (row, _) in in_window(&all) {
        let [region, organisation] = place(row);
        for (level, place) in [
            (0, [region.clone(), organisation]),
            (1, [region, "all".into()]),
            (2, ["all".into(), "all".into()]),
        ] {
            let labels: Vec<String> = place.into_iter().chain([what(row).into()]).collect();
            persons.entry((level, labels.clone())).or_default().insert(id(row));
            if level == 0 {
                *rows.entry((labels.clone(), 0)).or_default() += 1;
                if let Some(value) = value(row) {
                    let units = ((value.clamp(0.0, 300.0) - 150.0) / 0.5).round() as i64;
                    *sums.entry((labels.clone(), 0)).or_default() += 300 + units;
                    *sums.entry((labels, 1)).or_default() += 300 - units;
                }
            }
        }
    }
    sums.retain(|_, value| *value != 0);
    assert_eq!(labelled(&plan, 1, 0, 0, &exact.integers), rows);
    for level in 0..3 {
        let expected: Counted = persons
            .iter()
            .filter(|((own, _), _)| *own == level)
            .map(|((_, labels), persons)| ((labels.clone(), 0), persons.len() as i64))
            .collect();
        assert_eq!(labelled(&plan, 1, 1, level, &exact.integers), expected, "level {level}");
    }
    assert_eq!(labelled(&plan, 1, 2, 0, &exact.integers), sums);

    let mut bins = Counted::new();
    for (row, person) in in_window(&all).into_iter().filter(|(row, _)| what(row) == "diabetes") {
        let Some(value) = value(row) else { continue };
        let Value::Day(day) = row["date"] else { panic!("a date is no day") };
        let month = medrec_domain::CalendarDate::from_days(day).unwrap().to_string()[..7].to_owned();
        let steps = (value.clamp(0.0, 300.0) / 0.5).round() as usize;
        *bins.entry((vec![sex(person), month], (steps * 7 / 600).min(6))).or_default() += 1;
    }
    assert_eq!(labelled(&plan, 2, 0, 0, &exact.integers), bins);
    let halves: i64 = labelled(&plan, 2, 1, 0, &exact.integers).values().sum();
    assert_eq!(halves, bins.values().sum::<i64>());
}

#[test]
fn order_parts_passes_and_threads_change_nothing() {
    let text = WORKLOAD.replace("rows_per_person = 1000", "rows_per_person = 5");
    let plan = plan(&text);
    let everybody = Consents::everybody();
    let all = population(2, 300, 1000);
    let expected = aggregate(&plan, &all, &everybody, &options(), &()).unwrap().integers;
    let mut shuffled = all.clone();
    shuffled.rows_a_part = 11;
    for rows in shuffled.rows.values_mut() {
        rows.reverse();
        rows.rotate_left(17);
    }
    let little = Options { memory_bytes: 20_000, ..options() };
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found =
            pool.install(|| aggregate(&plan, &shuffled, &everybody, &options(), &())).unwrap().integers;
        assert_eq!(found, expected, "{threads} threads");
        let found = pool.install(|| aggregate(&plan, &shuffled, &everybody, &little, &())).unwrap().integers;
        assert_eq!(found, expected, "{threads} threads, several passes");
    }
}

/// Largest change over all vectors of a measure, by adding one person.
#[test]
fn no_person_moves_a_vector_by_more_than_its_sensitivity() {
    for limit in [1, 2, 5, 32] {
        let text = WORKLOAD.replace("rows_per_person = 1000", &format!("rows_per_person = {limit}"));
        let plan = plan(&text);
        let everybody = Consents::everybody();
        let all = population(3, 60, 50);
        let with = aggregate(&plan, &all, &everybody, &options(), &()).unwrap().integers;
        for row in &all.rows[&Table::Person] {
            let left_out = BTreeSet::from([PersonId(id(row))]);
            let without = Options { left_out, ..options() };
            let without = aggregate(&plan, &all, &everybody, &without, &()).unwrap().integers;
            let mut vector = 0;
            for measure in plan.tables.iter().flat_map(|table| &table.measures) {
                for _ in &measure.noise {
                    let change =
                        with[vector].iter().zip(&without[vector]).map(|(one, two)| one.abs_diff(*two));
                    let (mut l1, mut l2_squared) = (0_u128, 0_u128);
                    change.for_each(|change| {
                        l1 += u128::from(change);
                        l2_squared += u128::from(change).pow(2);
                    });
                    assert!(l1 <= measure.sensitivity.l1 && l2_squared <= measure.sensitivity.l2_squared);
                    vector += 1;
                }
            }
        }
    }
}

#[test]
fn individual_charges_are_what_a_person_changes() {
    let text = WORKLOAD.replace("rows_per_person = 1000", "rows_per_person = 5");
    let plan = plan(&text);
    let everybody = Consents::everybody();
    let all = population(4, 40, 50);
    let with = aggregate(&plan, &all, &everybody, &Options { individual: true, ..options() }, &()).unwrap();
    for row in &all.rows[&Table::Person] {
        let person = PersonId(id(row));
        let without = Options { left_out: BTreeSet::from([person]), ..options() };
        let without = aggregate(&plan, &all, &everybody, &without, &()).unwrap().integers;
        let mut expected = medrec_domain::Rho::zero();
        for ((noise, one), two) in plan.noise().iter().zip(&with.integers).zip(&without) {
            let change = one.iter().zip(two).map(|(one, two)| u128::from(one.abs_diff(*two)));
            let l1: u128 = change.clone().sum();
            if l1 > 0 {
                expected += &noise.loss(l1, change.map(|change| change * change).sum());
            }
        }
        assert_eq!(with.charges.get(&person).cloned().unwrap_or_else(medrec_domain::Rho::zero), expected);
        assert!(expected <= plan.rho());
    }
}

#[test]
fn an_empty_source_gives_the_same_shape_with_zeros() {
    let plan = plan(WORKLOAD);
    let empty = aggregate(&plan, &Population::new(10), &Consents::everybody(), &options(), &()).unwrap();
    let lengths = |integers: &[Vec<i64>]| integers.iter().map(Vec::len).collect::<Vec<_>>();
    let full = aggregate(&plan, &population(7, 50, 9), &Consents::everybody(), &options(), &()).unwrap();
    assert_eq!(lengths(&empty.integers), lengths(&full.integers));
    assert!(empty.integers.iter().flatten().all(|&value| value == 0));
}
