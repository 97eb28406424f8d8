//! Limits on what one person contributes: kept exactly, charged in full, and last in the order of things.

use std::collections::BTreeSet;

use medrec_anonymizer::aggregate::{Options, aggregate};
use medrec_anonymizer::consent::Consents;
use medrec_domain::identifier::PersonId;
use medrec_domain::manifest::Mechanism;
use medrec_domain::schema::Table;
use medrec_domain::{ConditionScope, FieldScope, Purpose, Rho, Scope, Workload};

use crate::plain::{WORKLOAD, labelled, options, plan};
use crate::population::{DAY_0, Population, Value};

const HEAVY: u64 = 77;

/// Rows of the heaviest patient of Synthea's sample.
const MOST_ROWS: usize = 1467;

/// A person with rows, each at an organisation, of a code, on a day, with a value.
fn person(rows: impl IntoIterator<Item = (usize, (&'static str, &'static str), i32, f64)>) -> Population {
    let mut all = Population::new(100);
    all.push(Table::Person, [("person_id", Value::Id(HEAVY)), ("sex", Value::Word("male".into()))]);
    for (organisation, (system, code), day, value) in rows {
        let cells = [
            ("person_id", Value::Id(HEAVY)),
            ("organisation_id", Value::Word(format!("org{organisation}"))),
            ("code_system", Value::Word(system.into())),
            ("code", Value::Word(code.into())),
            ("date", Value::Day(day)),
            ("value", Value::Number(value)),
        ];
        all.push(Table::Measurement, cells);
    }
    all
}

const DIABETES: (&str, &str) = ("snomed", "44054006");
const ASTHMA: (&str, &str) = ("snomed", "195967001");
const NEITHER: (&str, &str) = ("loinc", "1");

fn limited(limit: usize) -> String {
    WORKLOAD.replace("rows_per_person = 1000", &format!("rows_per_person = {limit}"))
}

/// Seven places (six organisations and none of them) times three codes: 21 groups, a person in every one of them.
#[test]
fn a_limit_of_k_groups_keeps_k_groups() {
    let all = person(
        (0..7)
            .flat_map(|place| [DIABETES, ASTHMA, NEITHER].map(|code| (place, code, DAY_0, 5.0)))
            .flat_map(|row| [row; 3]),
    );
    for limit in [1, 2, 3, 20, 21, 22, 62, 63, 64] {
        let plan = plan(&limited(limit));
        let exact = aggregate(&plan, &all, &Consents::everybody(), &options(), &()).unwrap().integers;
        let groups = labelled(&plan, 1, 1, 0, &exact);
        assert_eq!(groups.len(), limit.min(21), "distinct groups under a limit of {limit}");
        assert!(groups.values().all(|&count| count == 1), "a person was counted twice in a group");
        let rows: i64 = labelled(&plan, 1, 0, 0, &exact).values().sum();
        assert_eq!(rows, limit.min(63) as i64, "rows under a limit of {limit}");
    }
}

#[test]
fn a_patient_in_every_group_moves_no_vector_by_more_than_its_sensitivity() {
    let places = (0..7).flat_map(|place| [DIABETES, ASTHMA, NEITHER].map(|code| (place, code)));
    let every = places.flat_map(|(place, code)| (0..366).map(move |day| (place, code, DAY_0 + day, 300.0)));
    let all = person(every);
    for limit in [1, 7, 300, 1467, 8000] {
        let plan = plan(&limited(limit));
        let exact = aggregate(&plan, &all, &Consents::everybody(), &options(), &()).unwrap().integers;
        let bounds = plan.tables.iter().flat_map(|table| &table.measures);
        let bounds = bounds.flat_map(|measure| measure.noise.iter().map(|_| measure.sensitivity));
        for (vector, bound) in exact.iter().zip(bounds) {
            let change = || vector.iter().map(|value| u128::from(value.unsigned_abs()));
            assert!(change().sum::<u128>() <= bound.l1);
            assert!(change().map(|change| change * change).sum::<u128>() <= bound.l2_squared);
        }
    }
}

/// The loss is worked out anew from what the person really changes, in exact fractions, and set beside the charge.
#[test]
fn the_charge_covers_what_the_heaviest_person_really_changes() {
    // All rows in one group at one bound: as far as one person can move anything.
    let all = person((0..MOST_ROWS).map(|_| (1, DIABETES, DAY_0, 1e9)));
    for limit in [1, 32, 1000] {
        let plan = plan(&limited(limit));
        let exact = aggregate(&plan, &all, &Consents::everybody(), &options(), &()).unwrap().integers;
        let measures = plan.tables.iter().flat_map(|table| &table.measures);
        let mut charged = Rho::zero();
        let mut reached = 0;
        for (noise, (vector, measure)) in plan
            .noise()
            .iter()
            .zip(exact.iter().zip(measures.flat_map(|measure| measure.noise.iter().map(move |_| measure))))
        {
            assert_eq!(noise.mechanism, Mechanism::DiscreteGaussian);
            let l2_squared: u128 = vector.iter().map(|value| u128::from(value.unsigned_abs()).pow(2)).sum();
            let (top, bottom) = (noise.scale.numerator(), noise.scale.denominator());
            let loss = Rho::from_integers(bottom * bottom * l2_squared, top * top * 2_u8).unwrap();
            assert!(noise.rho >= loss, "{:?} costs {loss} and is charged {}", measure.kind, noise.rho);
            reached += usize::from(l2_squared == measure.sensitivity.l2_squared);
            charged += &noise.rho;
        }
        // The bound is no guess from far above either: it is reached by every measure that one row can move at one place.
        assert!(reached >= 6, "only {reached} vectors reach their sensitivity under a limit of {limit}");
        assert_eq!(charged, plan.rho());
    }
}

#[test]
fn rows_are_chosen_after_filters_and_masks_and_never_changed_again() {
    // 1,467 rows, of which five are diabetes in the window: a limit of five keeps all five. Had the limit come first,
    // it would have kept five of 1,467, and whatever came after could bring others in.
    let rest = (0..MOST_ROWS - 5).map(|row| (1, if row % 2 == 0 { ASTHMA } else { NEITHER }, DAY_0, 1.0));
    let outside = (0..40).map(|row| (1, DIABETES, DAY_0 - 1 - row, 1.0));
    let all = person((0..5).map(|_| (1, DIABETES, DAY_0 + 3, 200.0)).chain(rest).chain(outside));
    let plan = plan(&limited(5));
    let exact = aggregate(&plan, &all, &Consents::everybody(), &options(), &()).unwrap().integers;
    assert_eq!(
        labelled(&plan, 2, 0, 0, &exact).values().sum::<i64>(),
        5,
        "the filter comes before the limit"
    );

    let scope = Scope {
        purpose: Purpose::ResearchAggregate,
        fields: FieldScope::All,
        conditions: ConditionScope::Only(["diabetes".to_owned()].into()),
    };
    let consents = Consents::of([(PersonId(HEAVY), scope)], plan.workload.value_sets.clone(), None);
    let exact = aggregate(&plan, &all, &consents, &options(), &()).unwrap().integers;
    let rows = labelled(&plan, 1, 0, 0, &exact);
    assert_eq!(rows.values().sum::<i64>(), 5, "the mask comes before the limit");
    assert!(rows.keys().all(|(labels, _)| labels[2] == "diabetes"));

    // What the limit keeps is what is summed: five values of 200, each 100 steps above the midpoint.
    let sums = labelled(&plan, 1, 2, 0, &exact);
    assert_eq!(sums.values().copied().collect::<Vec<_>>(), [5 * 400, 5 * 200]);
}

#[test]
fn a_person_who_was_left_out_leaves_no_trace() {
    let all = person((0..MOST_ROWS).map(|row| (row % 7, DIABETES, DAY_0, 9.0)));
    let plan = plan(&limited(5));
    let left_out = Options { left_out: BTreeSet::from([PersonId(HEAVY)]), ..options() };
    let exact = aggregate(&plan, &all, &Consents::everybody(), &left_out, &()).unwrap().integers;
    assert!(exact.iter().flatten().all(|&value| value == 0));
}

fn refusal(text: &str) -> String {
    Workload::parse("test.toml", text).unwrap_err().to_string()
}

#[test]
fn a_limit_that_is_not_declared_is_refused_with_its_line() {
    let refused = refusal(&WORKLOAD.replacen("rows_per_person = 1000\n", "", 1));
    assert!(refused.starts_with("test.toml:") && refused.contains("needs rows_per_person"), "{refused}");
    let refused = refusal(&WORKLOAD.replacen("rows_per_person = 1000", "rows_per_person = 0", 1));
    assert!(refused.starts_with("test.toml:"), "{refused}");
}

/// There is no language of expressions: a measure names a column, and nothing is computed before or after the limit.
#[test]
fn a_workload_cannot_compute_columns() {
    for field in
        ["measurement.value * 5000", "measurement.value % 0", "cast(measurement.value)", "measurement.rank"]
    {
        let refused = refusal(&WORKLOAD.replacen("measurement.value", field, 1));
        assert!(refused.starts_with("test.toml:"), "{refused}");
    }
    for key in [
        "with_columns = [\"value\"]",
        "expression = \"value + 1\"",
        "sort = \"value\"",
        "having = \"count > 3\"",
    ] {
        let refused = refusal(&format!("{WORKLOAD}{key}\n"));
        assert!(refused.starts_with("test.toml:"), "{refused}");
    }
}
