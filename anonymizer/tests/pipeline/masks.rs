//! Consent decides who and what is counted.

use medrec_anonymizer::aggregate::aggregate;
use medrec_anonymizer::consent::Consents;
use medrec_domain::identifier::PersonId;
use medrec_domain::schema::Table;
use medrec_domain::{ConditionScope, FieldScope, Purpose, Scope};

use crate::plain::{WORKLOAD, id, labelled, options, plan};
use crate::population::population;

fn scope(fields: FieldScope, conditions: ConditionScope) -> Scope {
    Scope { purpose: Purpose::ResearchAggregate, fields, conditions }
}

fn only(fields: &[&str]) -> FieldScope {
    FieldScope::Only(fields.iter().map(|field| field.parse().unwrap()).collect())
}

#[test]
fn without_consent_a_person_does_not_exist() {
    let all = population(5, 100, 64);
    let plan = plan(WORKLOAD);
    let nobody = Consents::of([], plan.workload.value_sets.clone(), None);
    let exact = aggregate(&plan, &all, &nobody, &options(), &()).unwrap();
    assert!(exact.integers.iter().flatten().all(|&value| value == 0));
    let other_purpose = Scope { purpose: Purpose::Treatment, ..scope(FieldScope::All, ConditionScope::All) };
    let persons = all.rows[&Table::Person].iter().map(|row| (PersonId(id(row)), other_purpose.clone()));
    let treatment = Consents::of(persons, plan.workload.value_sets.clone(), None);
    let exact = aggregate(&plan, &all, &treatment, &options(), &()).unwrap();
    assert!(exact.integers.iter().flatten().all(|&value| value == 0));
}

#[test]
fn hidden_fields_are_missing_and_hidden_conditions_are_not_there() {
    let all = population(6, 200, 64);
    let plan = plan(WORKLOAD);
    let release = |scope: Scope| {
        let persons = all.rows[&Table::Person].iter().map(|row| (PersonId(id(row)), scope.clone()));
        let consents = Consents::of(persons, plan.workload.value_sets.clone(), None);
        aggregate(&plan, &all, &consents, &options(), &()).unwrap().integers
    };
    let complete = release(scope(FieldScope::All, ConditionScope::All));
    let everybody = aggregate(&plan, &all, &Consents::everybody(), &options(), &()).unwrap().integers;
    assert_eq!(complete, everybody);

    // Sex alone: everybody is counted, of unknown age and place.
    let sexes = release(scope(only(&["person.sex"]), ConditionScope::All));
    let counted = labelled(&plan, 0, 0, 0, &sexes);
    assert_eq!(counted.values().sum::<i64>(), 200);
    assert!(counted.keys().all(|(labels, _)| labels[..3] == ["unknown", "unknown", "unknown"]));
    assert!(labelled(&plan, 1, 0, 0, &sexes).is_empty(), "rows without a shared day took part");

    // Only asthma: rows of other codes are gone, means included.
    let asthma = ConditionScope::Only(["asthma".to_owned()].into());
    let asthma = release(scope(FieldScope::All, asthma));
    let rows = labelled(&plan, 1, 0, 0, &asthma);
    assert!(!rows.is_empty() && rows.keys().all(|(labels, _)| labels[2] == "asthma"));
    assert!(labelled(&plan, 2, 0, 0, &asthma).is_empty());
    let complete_rows = labelled(&plan, 1, 0, 0, &complete);
    assert!(rows.iter().all(|(cell, count)| complete_rows[cell] == *count));

    // All but diabetes, and a value set that nobody knows: nothing is shared then.
    let except = release(scope(FieldScope::All, ConditionScope::Except(["diabetes".to_owned()].into())));
    assert!(labelled(&plan, 1, 0, 0, &except).keys().all(|(labels, _)| labels[2] != "diabetes"));
    let unknown = release(scope(FieldScope::All, ConditionScope::Except(["hiv".to_owned()].into())));
    assert!(labelled(&plan, 1, 0, 0, &unknown).is_empty());

    // No values: rows count, means have none.
    let fields =
        ["measurement.date", "measurement.code", "measurement.code_system", "measurement.organisation_id"];
    let no_values = release(scope(only(&fields), ConditionScope::All));
    assert_eq!(labelled(&plan, 1, 0, 0, &no_values), complete_rows);
    assert!(labelled(&plan, 1, 2, 0, &no_values).is_empty());
}
