//! What is granted is seen, and nothing beside it: columns, rows, and the cells where they cross.

use std::collections::BTreeSet;

use medrec_datasets::synth::SynthFormat;
use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use medrec_protocol::RefusalCode;
use medrec_protocol::methods::records::{Read, ReadBody};

use crate::clinic::{Clinic, Wish, newcomer, population, reading};
use crate::truth::{all_columns, codes_of, column, rows_of, texts, value_sets};

const A1C: &str = "haemoglobin-a1c";

/// Number of a person whose laboratory has A1c among other tests.
fn index_with_a1c(clinic: &Clinic) -> u64 {
    let sets = value_sets();
    let persons = population(SynthFormat::SyntheaCsv).persons;
    let has_both = |index: &u64| {
        let codes = codes_of(&clinic.records, "observations.csv", &newcomer(*index).source_id);
        let is_a1c = |code: &String| sets[A1C].contains("loinc", code);
        codes.iter().any(is_a1c) && !codes.iter().all(is_a1c)
    };
    (0..persons).find(has_both).expect("somebody with A1c")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_reads_her_own_whole_record_as_the_database_has_it() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let tables = [
        (Table::Condition, "conditions.csv"),
        (Table::Measurement, "observations.csv"),
        (Table::Medication, "medications.csv"),
        (Table::Procedure, "procedures.csv"),
    ];
    for (table, file) in tables {
        let answer = clinic.read(&patient.key, &patient, Purpose::Personal, table).await;
        assert_eq!(answer.columns, all_columns(table), "{table}");
        let mut codes: Vec<String> =
            rows_of(&clinic.records, file, &patient.source_id, &["CODE"]).into_iter().flatten().collect();
        codes.sort();
        assert_eq!(texts(&answer, "code"), codes, "{table}");
    }
    let answer = clinic.read(&patient.key, &patient, Purpose::Personal, Table::Person).await;
    assert_eq!(answer.rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_a_cell_is_shown_only_if_one_document_covers_its_field_and_its_code() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(index_with_a1c(&clinic)).await;
    let doctor = clinic.enter("doctor").await;
    let every_row = ["measurement.code_system", "measurement.code", "measurement.date"];
    clinic.grant(&patient, Wish::all_to(&doctor).with_fields(&every_row)).await;
    let narrow = Wish::all_to(&doctor).with_fields(&["measurement.value"]).with_conditions(&[A1C]);
    clinic.grant(&patient, narrow).await;
    let truth = clinic.read(&patient.key, &patient, Purpose::Personal, Table::Measurement).await;
    let answer = clinic.read(&doctor, &patient, Purpose::Treatment, Table::Measurement).await;
    let seen: BTreeSet<&str> = answer.columns.iter().map(String::as_str).collect();
    assert_eq!(seen, BTreeSet::from(["code", "code_system", "date", "value"]));
    assert_eq!(column(&answer, "code"), column(&truth, "code"), "every row is there");
    let sets = value_sets();
    let mut shown = 0;
    let codes = column(&truth, "code").into_iter().zip(column(&truth, "value"));
    for ((code, value), seen) in codes.zip(column(&answer, "value")) {
        if sets[A1C].contains("loinc", code.as_str().unwrap()) {
            assert_eq!(seen, value);
            shown += 1;
        } else {
            // Neither document alone covers it; their union would.
            assert!(seen.is_null(), "{code}: {seen}");
        }
    }
    assert!(shown > 0 && shown < answer.rows.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_columns_and_rows_are_absent_from_the_bytes() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(index_with_a1c(&clinic)).await;
    let doctor = clinic.enter("doctor").await;
    let wish =
        Wish::all_to(&doctor).with_fields(&["measurement.code", "measurement.date"]).with_conditions(&[A1C]);
    clinic.grant(&patient, wish).await;
    let truth = clinic.read(&patient.key, &patient, Purpose::Personal, Table::Measurement).await;
    let reply =
        clinic.desk.reply::<Read>(&doctor, reading(&patient, Purpose::Treatment, Table::Measurement)).await;
    assert_eq!(reply.status, 200);
    let text = String::from_utf8(reply.body).unwrap();
    let masked =
        ["\"value\"", "\"unit\"", "\"category\"", "\"encounter_id\"", "\"organisation_id\"", "\"person_id\""];
    for name in masked {
        assert!(!text.contains(name), "{name} in {text}");
    }
    // Neither other tests' codes nor any value; values with a fraction, which no date or code contains.
    let sets = value_sets();
    let is_a1c = |code: &str| sets[A1C].contains("loinc", code);
    for code in column(&truth, "code").into_iter().filter_map(|code| code.as_str()) {
        assert_eq!(text.contains(&format!("\"{code}\"")), is_a1c(code), "{code}");
    }
    for value in
        column(&truth, "value").into_iter().map(ToString::to_string).filter(|text| text.contains('.'))
    {
        assert!(!text.contains(&format!("{value},")) && !text.contains(&format!("{value}]")), "{value}");
    }
    // Asking for a masked column by its name brings nothing.
    let columns = Some(vec!["value".to_owned(), "code".to_owned()]);
    let body = ReadBody { columns, ..reading(&patient, Purpose::Treatment, Table::Measurement) };
    let answer = clinic.desk.ask::<Read>(&doctor, body).await;
    assert_eq!(answer.columns, ["code"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn excluded_conditions_are_absent_and_windows_and_pages_hold() {
    let clinic = Clinic::open().await;
    let sets = value_sets();
    let persons = population(SynthFormat::SyntheaCsv).persons;
    // Somebody who has a condition of some set beside others.
    let found = (0..persons).find_map(|index| {
        let codes = codes_of(&clinic.records, "conditions.csv", &newcomer(index).source_id);
        let set = sets.iter().find(|(_, set)| {
            let inside = |code: &String| set.contains("snomed", code);
            codes.iter().any(inside) && !codes.iter().all(inside)
        });
        set.map(|(name, _)| (index, name.clone()))
    });
    let (index, excluded) = found.expect("somebody with two kinds of conditions");
    let patient = clinic.patient(index).await;
    let family = clinic.enter("family").await;
    let wish = Wish::all_to(&family).for_purpose(Purpose::Personal).except(&[&excluded]);
    clinic.grant(&patient, wish).await;
    let truth = clinic.read(&patient.key, &patient, Purpose::Personal, Table::Condition).await;
    let kept = texts(&truth, "code").into_iter().filter(|code| !sets[&excluded].contains("snomed", code));
    let kept: Vec<_> = kept.collect();
    let answer = clinic.read(&family, &patient, Purpose::Personal, Table::Condition).await;
    assert_eq!(texts(&answer, "code"), kept);
    // Page by page the same rows come, each once.
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let body = ReadBody { after, limit: 2, ..reading(&patient, Purpose::Personal, Table::Condition) };
        let page = clinic.desk.ask::<Read>(&family, body).await;
        assert!(page.rows.len() <= 2);
        paged.extend(page.rows);
        match page.next {
            Some(next) => {
                assert!(next > after);
                after = next;
            }
            None => break,
        }
    }
    assert_eq!(paged, answer.rows);
    // A window takes the rows that start within it: from its first day, before its last.
    let mut days = texts(&truth, "start_date");
    days.dedup();
    let middle = days[days.len() / 2].clone();
    let until = Some(middle.parse().unwrap());
    let body = ReadBody { until, ..reading(&patient, Purpose::Personal, Table::Condition) };
    let early = clinic.desk.ask::<Read>(&patient.key, body).await;
    let from = Some(middle.parse().unwrap());
    let body = ReadBody { from, ..reading(&patient, Purpose::Personal, Table::Condition) };
    let late = clinic.desk.ask::<Read>(&patient.key, body).await;
    assert!(texts(&early, "start_date").iter().all(|day| *day < middle));
    assert!(texts(&late, "start_date").iter().all(|day| *day >= middle));
    assert_eq!(early.rows.len() + late.rows.len(), truth.rows.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_for_one_purpose_opens_nothing_for_another() {
    let clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    clinic.grant(&patient, Wish::all_to(&doctor)).await;
    for purpose in [Purpose::Personal, Purpose::PublicHealth, Purpose::ResearchAggregate] {
        let body = reading(&patient, purpose, Table::Condition);
        assert_eq!(clinic.desk.refused::<Read>(&doctor, body).await, RefusalCode::NotAllowed, "{purpose:?}");
    }
    clinic.read(&doctor, &patient, Purpose::Treatment, Table::Condition).await;
}
