//! Releases with their ledger: charged before noise, one noise an id, caps kept in silence.

use std::collections::BTreeMap;

use medrec_anonymizer::AnonymizerError;
use medrec_anonymizer::consent::Consents;
use medrec_anonymizer::figures::TableFigures;
use medrec_anonymizer::ledger::Ledger;
use medrec_anonymizer::plan::Plan;
use medrec_anonymizer::records::{Each, Records};
use medrec_anonymizer::release::{Accounting, Outcome, Request, prepare};
use medrec_domain::identifier::PersonId;
use medrec_domain::schema::Table;
use medrec_domain::{Digest, Rho, keccak256};
use tempfile::TempDir;

use crate::plain::{WORKLOAD, id, options, plan};
use crate::population::{Population, population};

fn ledger(folder: &TempDir, cap: &str) -> Ledger {
    let (file, key) = (folder.path().join("ledger.redb"), folder.path().join("ledger.key"));
    let cap: Rho = cap.parse().unwrap();
    Ledger::create(&file, &key, &cap).unwrap()
}

fn request<'a>(
    name: &str,
    plan: &'a Plan,
    records: &'a dyn Records,
    consents: &'a Consents,
    accounting: Accounting,
) -> Request<'a> {
    Request { id: keccak256(name.as_bytes()), plan, records, consents, options: options(), accounting }
}

fn prepared(outcome: Outcome) -> Vec<TableFigures> {
    match outcome {
        Outcome::Prepared(tables) => tables,
        Outcome::Committed { .. } => panic!("nothing was committed"),
    }
}

/// Fails when anybody looks.
pub(crate) struct Untouchable;

impl Records for Untouchable {
    fn parts(&self, _: Table) -> Result<usize, AnonymizerError> {
        panic!("records were touched")
    }

    fn rows(&self, _: Table) -> Result<u64, AnonymizerError> {
        panic!("records were touched")
    }

    fn scan(&self, _: Table, _: usize, _: &[&'static str], _: &mut Each<'_>) -> Result<(), AnonymizerError> {
        panic!("records were touched")
    }
}

#[test]
fn a_release_that_is_too_dear_touches_no_record_and_harms_nothing_after_it() {
    let folder = TempDir::new().unwrap();
    let ledger = ledger(&folder, "1/4");
    let (plan, everybody) = (plan(WORKLOAD), Consents::everybody());
    let dear = prepare(&request("dear", &plan, &Untouchable, &everybody, Accounting::Uniform), &ledger, &());
    let message = dear.unwrap_err().to_string();
    assert!(message.contains("1/4"), "{message}");
    let cheap = crate::plain::plan_at(WORKLOAD, "1/8");
    let all = population(21, 50, 100);
    prepared(
        prepare(&request("cheap", &cheap, &all, &everybody, Accounting::Uniform), &ledger, &()).unwrap(),
    );
    assert!(ledger.statement().unwrap().spent <= "1/8".parse().unwrap());
}

#[test]
fn one_id_has_one_noise_and_is_charged_once() {
    let folder = TempDir::new().unwrap();
    let ledger = ledger(&folder, "1");
    let (plan, everybody) = (plan(WORKLOAD), Consents::everybody());
    let all = population(22, 80, 100);
    let request = request("one", &plan, &all, &everybody, Accounting::Uniform);
    let first = prepared(prepare(&request, &ledger, &()).unwrap());
    let spent = ledger.statement().unwrap().spent;
    let again = prepared(prepare(&request, &ledger, &()).unwrap());
    assert_eq!(first, again);
    assert_eq!(ledger.statement().unwrap().spent, spent);
    let answer = keccak256(b"answer");
    ledger.commit(request.id, answer, b"kept").unwrap();
    match prepare(&request, &ledger, &()).unwrap() {
        Outcome::Committed { answer: found, metadata } => {
            assert_eq!((found, metadata.as_slice()), (answer, b"kept".as_slice()));
        }
        Outcome::Prepared(_) => panic!("a committed release was made again"),
    }
    assert_eq!(ledger.statement().unwrap().spent, spent);
}

#[test]
fn the_shape_of_a_release_does_not_depend_on_the_records() {
    let folder = TempDir::new().unwrap();
    let ledger = ledger(&folder, "1");
    let plan = crate::plain::plan_at(WORKLOAD, "1/8");
    let everybody = Consents::everybody();
    let shape = |name: &str, all: &Population| -> Vec<Vec<String>> {
        let request = request(name, &plan, all, &everybody, Accounting::Uniform);
        let tables = prepared(prepare(&request, &ledger, &()).unwrap());
        let of = |table: &TableFigures| {
            table.figures.iter().map(|figure| format!("{:?} {:?}", figure.cell, figure.statistic)).collect()
        };
        tables.iter().map(of).collect()
    };
    let empty = shape("empty", &Population::new(10));
    assert_eq!(empty, shape("few", &population(23, 3, 10)));
    assert_eq!(empty, shape("many", &population(24, 300, 100)));
}

#[test]
fn who_would_pass_her_cap_is_left_out_in_silence() {
    let folder = TempDir::new().unwrap();
    let ledger = ledger(&folder, "2");
    let (plan, everybody) = (plan(WORKLOAD), Consents::everybody());
    let all = population(25, 60, 100);
    let poor: Vec<PersonId> = all.rows[&Table::Person].iter().take(10).map(|row| PersonId(id(row))).collect();
    let cap: Rho = "1/100000".parse().unwrap();
    ledger.set_caps(poor.iter().map(|&person| (person, cap.clone()))).unwrap();
    let mut losses: BTreeMap<PersonId, Rho> = BTreeMap::new();
    for round in ["first", "second", "third"] {
        let request = request(round, &plan, &all, &everybody, Accounting::Individual);
        prepared(prepare(&request, &ledger, &()).unwrap());
        ledger.commit(request.id, Digest::default(), b"").unwrap();
        for row in &all.rows[&Table::Person] {
            let person = PersonId(id(row));
            let statement = ledger.person(person).unwrap();
            assert!(statement.spent <= statement.cap);
            losses.insert(person, statement.spent);
        }
    }
    assert!(poor.iter().all(|person| losses[person] <= cap));
    assert!(losses.iter().any(|(person, loss)| !poor.contains(person) && *loss > cap));
}
