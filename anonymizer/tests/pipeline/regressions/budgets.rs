//! Budgets: compared first, one for all who ask, told to nobody.

use std::collections::BTreeMap;

use medrec_anonymizer::AnonymizerError;
use medrec_anonymizer::consent::Consents;
use medrec_anonymizer::ledger::Ledger;
use medrec_anonymizer::mechanism::draw;
use medrec_anonymizer::plan::Plan;
use medrec_anonymizer::records::Records;
use medrec_anonymizer::release::{Accounting, Outcome, Request, prepare};
use medrec_domain::identifier::PersonId;
use medrec_domain::schema::Table;
use medrec_domain::{Digest, Rho, keccak256};
use tempfile::TempDir;

use crate::plain::{WORKLOAD, id, options, plan_at};
use crate::population::{Population, population};
use crate::releases::Untouchable;

fn open(folder: &TempDir) -> Ledger {
    Ledger::open(&folder.path().join("ledger.redb"), &folder.path().join("ledger.key")).unwrap()
}

fn create(cap: &str) -> (TempDir, Ledger) {
    let folder = TempDir::new().unwrap();
    let (file, key) = (folder.path().join("ledger.redb"), folder.path().join("ledger.key"));
    let ledger = Ledger::create(&file, &key, &cap.parse().unwrap()).unwrap();
    (folder, ledger)
}

fn ask(
    ledger: &Ledger,
    name: &str,
    plan: &Plan,
    records: &dyn Records,
    accounting: Accounting,
) -> Result<Outcome, AnonymizerError> {
    let id = keccak256(name.as_bytes());
    let consents = Consents::everybody();
    let outcome = prepare(
        &Request { id, plan, records, consents: &consents, options: options(), accounting },
        ledger,
        &(),
    )?;
    ledger.commit(id, Digest::default(), b"")?;
    Ok(outcome)
}

fn rho(text: &str) -> Rho {
    text.parse().unwrap()
}

#[test]
fn the_price_is_compared_before_records_are_read_and_refusals_kill_nothing() {
    let (_folder, ledger) = create("1/4");
    let dear = plan_at(WORKLOAD, "1");
    for round in 0..20 {
        for accounting in [Accounting::Uniform, Accounting::Individual] {
            let refused = ask(&ledger, &format!("dear {round}"), &dear, &Untouchable, accounting);
            assert!(matches!(refused, Err(AnonymizerError::TooDear { .. })));
        }
    }
    // The whole budget is still there, to its last part, and is refused by one part more.
    let all = population(51, 30, 20);
    let eighth = plan_at(WORKLOAD, "1/8");
    for name in ["one", "two"] {
        ask(&ledger, name, &eighth, &all, Accounting::Uniform).unwrap();
    }
    let least = plan_at(WORKLOAD, "1/100000");
    let refused = ask(&ledger, "three", &least, &Untouchable, Accounting::Uniform);
    // Charges are rounded up to their grid and never above what was asked for, so little is left, or nothing.
    let left = ledger.statement().unwrap().left;
    assert!(left < rho("1/100000") && matches!(refused, Err(AnonymizerError::TooDear { .. })), "{left}");
}

/// The ledger belongs to the data: it does not know who asks, so it makes no difference how many ask.
#[test]
fn askers_who_collude_share_one_budget() {
    for accounting in [Accounting::Uniform, Accounting::Individual] {
        let (_folder, ledger) = create("1");
        let all = population(52, 40, 30);
        let quarter = plan_at(WORKLOAD, "1/4");
        let mut answered = 0;
        for asker in 0..12 {
            answered +=
                usize::from(ask(&ledger, &format!("asker {asker}"), &quarter, &all, accounting).is_ok());
            for row in &all.rows[&Table::Person] {
                let person = ledger.person(PersonId(id(row))).unwrap();
                assert!(person.spent <= person.cap && person.cap <= rho("1"), "asker {asker}");
            }
        }
        if accounting == Accounting::Uniform {
            assert_eq!(answered, 4, "twelve askers of a quarter each share one budget");
        }
    }
}

#[test]
fn no_budget_refills() {
    let (folder, ledger) = create("1/2");
    let all = population(53, 20, 30);
    let quarter = plan_at(WORKLOAD, "1/4");
    ask(&ledger, "first", &quarter, &all, Accounting::Uniform).unwrap();
    let before = ledger.statement().unwrap();
    drop(ledger);
    // Neither another process nor another window of days brings anything back.
    let ledger = open(&folder);
    assert_eq!(ledger.statement().unwrap(), before);
    let mut later = quarter.clone();
    later.window.until = "2026-01-01".parse().unwrap();
    ask(&ledger, "second", &later, &all, Accounting::Uniform).unwrap();
    let third = ask(&ledger, "third", &quarter, &Untouchable, Accounting::Uniform);
    assert!(matches!(third, Err(AnonymizerError::TooDear { .. })));
}

/// What a refusal says is the same whoever is in the records and whatever single persons have spent.
#[test]
fn errors_tell_nothing_about_records_or_persons() {
    let refusals = |all: &Population, own: &[(PersonId, Rho)]| -> Vec<String> {
        let (folder, ledger) = create("1/4");
        ledger.set_caps(own.iter().cloned()).unwrap();
        let eighth = plan_at(WORKLOAD, "1/8");
        ask(&ledger, "bounty", &eighth, all, Accounting::Individual).unwrap();
        let mut texts = Vec::new();
        let mut refuse =
            |result: Result<Outcome, AnonymizerError>| texts.push(result.unwrap_err().to_string());
        refuse(ask(&ledger, "dear", &plan_at(WORKLOAD, "1/2"), all, Accounting::Individual));
        // The same id with another plan, and noise that is charged too little.
        let consents = Consents::everybody();
        let request = |name: &str, plan, accounting| {
            let id = keccak256(name.as_bytes());
            prepare(
                &Request { id, plan, records: all, consents: &consents, options: options(), accounting },
                &ledger,
                &(),
            )
        };
        request("open", &eighth, Accounting::Uniform).unwrap();
        refuse(request("open", &plan_at(WORKLOAD, "1/9"), Accounting::Uniform));
        let mut cheap = plan_at(WORKLOAD, "1/9");
        cheap.tables[0].measures[0].noise[0].rho = rho("1/100000000");
        texts.push(draw(&cheap.noise(), &|| false).unwrap_err().to_string());
        let private = ["person", "measurement", "value", "org0", "44054006", "column", "sensitivity"];
        for text in &texts {
            // The path of the ledger is its owner's own and has a random name here.
            let text = text.replace(&*ledger_path(&folder), "");
            assert!(private.iter().all(|word| !text.contains(word)), "{text}");
        }
        texts.iter().map(|text| text.replace(&*ledger_path(&folder), "")).collect()
    };
    let few = refusals(&population(54, 3, 10), &[]);
    let all = population(55, 80, 10);
    let tight: BTreeMap<PersonId, Rho> =
        all.rows[&Table::Person].iter().map(|row| (PersonId(id(row)), rho("1/1000"))).collect();
    let tight: Vec<_> = tight.into_iter().collect();
    assert_eq!(refusals(&all, &tight), few);
    assert_eq!(refusals(&Population::new(5), &[]), few);
}

fn ledger_path(folder: &TempDir) -> String {
    folder.path().join("ledger.redb").display().to_string()
}
