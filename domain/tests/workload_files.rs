//! Workload and catalogue files: the ready ones, and what is said about broken ones.

#![expect(clippy::panic, reason = "a helper of this file fails the test that calls it")]

use medrec_domain::workload::catalogue::{BountyQuery, CONTRIBUTORS, Catalogue};
use medrec_domain::workload::{Dimension, MeasureKind};
use medrec_domain::{DomainError, Workload, canonical};

const GOOD: &str = r#"name = "small"
version = 1
title = "A small workload"

[dimensions]
sex = { field = "person.sex", values = ["female", "male"] }

[[tables]]
name = "iron"
of = "measurement"
dimensions = ["sex"]
filter = [{ field = "measurement.code", any_of = ["2498-4"] }]
measures = [{ kind = "mean", field = "measurement.value", lower = 0, upper = 300, step = 0.5 }]
rows_per_person = 4
"#;

#[test]
fn the_ready_census_is_valid_and_every_part_of_it_is_used() {
    let census = Workload::census().unwrap();
    for name in census.dimensions.keys() {
        let used = census.tables.iter().any(|table| table.dimensions.contains(name));
        assert!(used, "no table uses dimension {name}");
    }
    for id in census.value_sets.keys() {
        let by_dimension = census
            .dimensions
            .values()
            .any(|dimension| matches!(dimension, Dimension::ValueSets { ids, .. } if ids.contains(id)));
        let by_filter = census.tables.iter().flat_map(|table| &table.filter);
        let by_filter = by_filter.into_iter().any(|condition| condition.value_set.as_ref() == Some(id));
        assert!(by_dimension || by_filter, "nothing uses value set {id}");
    }
    assert!(census.tables.iter().any(|table| table.name == "population"));
}

#[test]
fn the_ready_catalogue_holds_the_papers_example_and_queries_are_found_by_digest() {
    let catalogue = Catalogue::standard().unwrap();
    let query = &catalogue.queries["mean-iron-last-week"];
    assert!(matches!(query.table.measures[0].kind, MeasureKind::Mean { .. }));
    assert_eq!(query.rho.to_string(), "1/50");
    let digest = query.digest().unwrap();
    assert_eq!(catalogue.by_digest(&digest).unwrap().0, "mean-iron-last-week");
    let mut digests: Vec<_> = catalogue.queries.values().map(|query| query.digest().unwrap()).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), catalogue.queries.len());
    let bounty = BountyQuery {
        name: "mean-iron-last-week".into(),
        query: digest,
        until: "2026-11-16".parse().unwrap(),
    };
    let bytes = canonical::encode(&bounty).unwrap();
    assert_eq!(canonical::decode::<BountyQuery>("bounty query", &bytes).unwrap(), bounty);
}

#[test]
fn every_answer_carries_a_count_of_its_contributors_within_its_price() {
    for (name, query) in Catalogue::standard().unwrap().queries {
        let workload = query.to_workload();
        let [answer, count] = workload.tables.as_slice() else { panic!("{name}: {:?}", workload.tables) };
        assert_eq!((&answer.name, &answer.measures), (&name, &query.table.measures));
        assert_eq!((count.name.as_str(), count.rows_per_person), (CONTRIBUTORS, 1));
        assert_eq!((count.of, &count.filter), (answer.of, &answer.filter));
        assert!(count.dimensions.is_empty() && count.measures[0].kind == MeasureKind::PersonCount);
        assert_eq!((answer.weight, count.weight), (4, 1));
    }
    let text = include_str!("../workloads/catalogue.toml").replace("mean-iron-last-week", CONTRIBUTORS);
    let refusal = Catalogue::parse("c.toml", &text).unwrap_err().to_string();
    assert!(refusal.contains("goes with every answer"), "{refusal}");
}

#[test]
fn a_workload_keeps_its_digest_when_only_its_spelling_changes() {
    let one = Workload::parse("a.toml", GOOD).unwrap();
    let other = GOOD
        .replace("step = 0.5", "step = \"0.50\"")
        .replace("lower = 0, upper = 300", "upper = 300, lower = 0");
    let other = Workload::parse("b.toml", &format!("# a comment\n{other}")).unwrap();
    assert_eq!(one.digest().unwrap(), other.digest().unwrap());
    let moved = Workload::parse("c.toml", &GOOD.replace("upper = 300", "upper = 301")).unwrap();
    assert_ne!(one.digest().unwrap(), moved.digest().unwrap());
    let bytes = canonical::encode(&one).unwrap();
    assert_eq!(canonical::decode::<Workload>("workload", &bytes).unwrap(), one);
}

/// Replaces `from` by `to` in the good file and returns the line and message of the refusal.
fn refusal(from: &str, to: &str) -> (usize, String) {
    assert!(GOOD.contains(from), "the good file lacks {from:?}");
    match Workload::parse("w.toml", &GOOD.replacen(from, to, 1)) {
        Err(DomainError::Workload { line, problem, .. }) => (line, problem),
        other => panic!("{to:?} gave {other:?}"),
    }
}

#[test]
fn every_mistake_is_named_with_its_line() {
    for (from, to, line, word) in [
        ("version = 1", "version = ", 2, ""),
        ("version = 1", "version = 0", 2, "version"),
        ("title =", "titel =", 3, "titel"),
        ("person.sex", "person.gender", 6, "person.gender"),
        ("person.sex", "person.birth_year", 6, "does not hold words"),
        ("person.sex", "person.person_id", 6, "does not hold words"),
        ("values = [\"female\", \"male\"]", "values = [\"male\", \"male\"]", 6, "appears twice"),
        ("values = [\"female\", \"male\"]", "values = []", 6, "declares nothing"),
        ("\"female\", \"male\"] }", "\"female\"], calendar = \"month\" }", 6, "exactly one of"),
        ("of = \"measurement\"", "of = \"measurements\"", 10, "is not one of"),
        ("of = \"measurement\"", "of = \"organisation\"", 10, "not counted"),
        ("of = \"measurement\"", "of = \"encounter\"", 12, "no field of encounter rows"),
        ("dimensions = [\"sex\"]", "dimensions = [\"age\"]", 11, "no [dimensions.age]"),
        ("dimensions = [\"sex\"]", "dimensions = [\"sex\", \"sex\"]", 11, "appears twice"),
        ("any_of = [\"2498-4\"]", "any_of = []", 12, "non-empty any_of"),
        ("any_of = [\"2498-4\"]", "value_set = \"iron\"", 12, "no [value_sets.iron]"),
        ("kind = \"mean\"", "kind = \"average\"", 13, "average"),
        ("measurement.value", "measurement.code", 13, "no number of measurement rows"),
        ("upper = 300, ", "", 13, "needs lower, upper and step"),
        ("upper = 300", "upper = -1", 13, "is not below upper"),
        ("step = 0.5", "step = 0.7", 13, "even number of steps"),
        ("step = 0.5", "step = 1e-12", 13, "decimals"),
        ("step = 0.5", "step = 0.5, bins = 4", 13, "no bins"),
        ("kind = \"mean\"", "kind = \"quantiles\"", 13, "needs levels"),
        ("kind = \"mean\"", "kind = \"quantiles\", levels = [0.5, 0.5]", 13, "ascend"),
        ("kind = \"mean\"", "kind = \"row-count\"", 13, "has no field"),
        ("rows_per_person = 4\n", "", 8, "needs rows_per_person"),
        ("rows_per_person = 4", "rows_per_person = 0", 14, "rows_per_person"),
        ("rows_per_person", "rows_per_persons", 14, "rows_per_persons"),
        ("name = \"iron\"", "name = \"Iron/../x\"", 9, "Iron"),
    ] {
        let (found, problem) = refusal(from, to);
        assert_eq!(found, line, "{to:?}: {problem}");
        assert!(problem.contains(word), "{to:?}: {problem}");
    }
}

#[test]
fn periods_hierarchies_and_kinds_of_file_are_checked() {
    for (addition, word) in [
        ("period = { last_days = 0 }", "last_days"),
        ("period = { from = \"2020-01-01\" }", "a period has"),
        ("period = { from = \"2020-01-01\", until = \"2020-01-01\" }", "does not lie after"),
        ("period = { from = \"2020-01-01\", until = \"2020-13-01\" }", "is not a date"),
        ("hierarchy = [\"region\", \"nation\"]", "from nation over region"),
        ("hierarchy = [\"county\"]", "county"),
    ] {
        let (line, problem) = refusal("title = \"A small workload\"", &format!("title = \"t\"\n{addition}"));
        assert_eq!(line, 4, "{addition}: {problem}");
        assert!(problem.contains(word), "{addition}: {problem}");
    }
    assert!(
        Catalogue::parse("w.toml", GOOD).unwrap_err().to_string().starts_with("w.toml:8: a catalogue has")
    );
    let error = Workload::parse("w.toml", "name = \"x\"\nversion = 1\ntitle = \"t\"\n").unwrap_err();
    assert_eq!(error.to_string(), "w.toml:1: the workload has no [[tables]]");
}
