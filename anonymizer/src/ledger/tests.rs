//! What the ledger promises, call by call. Models, kills and broken disks have files of their own.

mod disk;
mod kills;
mod model;

use std::collections::{BTreeMap, BTreeSet};

use medrec_domain::identifier::PersonId;
use medrec_domain::{Digest, Rho, keccak256};

use super::fault::LedgerFault;
use super::*;

/// A ledger in a folder of its own.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(cap: &str) -> (Self, Ledger) {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let ledger = Ledger::create(&desk.file(), &desk.key(), &rho(cap)).unwrap();
        (desk, ledger)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("budget.ledger")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("budget.key")
    }

    fn open(&self) -> Result<Ledger, AnonymizerError> {
        Ledger::open(&self.file(), &self.key())
    }
}

fn rho(text: &str) -> Rho {
    text.parse().unwrap()
}

fn id(number: u8) -> Digest {
    keccak256(&[number])
}

const PLAN: Digest = Digest([0xcd; 32]);

fn everybody(price: &str, except: &[u64]) -> Charge {
    let except = except.iter().map(|&person| PersonId(person)).collect();
    Charge { price: rho(price), payers: Payers::Everybody { except } }
}

fn each(price: &str, losses: &[(u64, &str)]) -> Charge {
    let losses = losses.iter().map(|&(person, loss)| (PersonId(person), rho(loss))).collect();
    Charge { price: rho(price), payers: Payers::Each(losses) }
}

fn spent(ledger: &Ledger, person: u64) -> String {
    ledger.person(PersonId(person)).unwrap().spent.to_string()
}

#[test]
fn everybody_pays_for_a_census_and_each_for_the_bounties_she_is_in() {
    let (_desk, ledger) = Desk::new("1");
    assert_eq!(ledger.reserve(id(1), PLAN, &everybody("1/3", &[])).unwrap(), Stage::Reserved);
    ledger.reserve(id(2), PLAN, &each("1/2", &[(7, "1/7"), (8, "1/2")])).unwrap();
    assert_eq!(
        (spent(&ledger, 7), spent(&ledger, 8), spent(&ledger, 9)),
        ("10/21".into(), "5/6".into(), "1/3".into())
    );
    let statement = ledger.statement().unwrap();
    assert_eq!((statement.spent, statement.left), (rho("1/3"), rho("2/3")));
    assert_eq!(statement.individual_prices, rho("1/2"));
    let lines: Vec<(Digest, bool)> =
        statement.releases.iter().map(|line| (line.id, line.charges_everybody)).collect();
    assert_eq!(lines, [(id(1), true), (id(2), false)]);
}

#[test]
fn a_price_above_what_is_left_is_refused_and_harms_nothing() {
    let (_desk, ledger) = Desk::new("1");
    ledger.reserve(id(1), PLAN, &everybody("0.6", &[])).unwrap();
    let error = ledger.affordable(&rho("0.5")).unwrap_err();
    assert!(matches!(&error, AnonymizerError::TooDear { left, .. } if *left == rho("0.4")), "{error}");
    assert!(matches!(
        ledger.reserve(id(2), PLAN, &everybody("0.5", &[])),
        Err(AnonymizerError::TooDear { .. })
    ));
    assert_eq!(ledger.stage(id(2)).unwrap(), None);
    ledger.affordable(&rho("0.4")).unwrap();
    ledger.reserve(id(2), PLAN, &everybody("0.4", &[])).unwrap();
    assert!(ledger.affordable(&rho("0.000001")).is_err());
}

#[test]
fn who_would_pass_her_cap_is_named_to_be_left_out_and_pays_nothing_then() {
    let (_desk, ledger) = Desk::new("1");
    ledger.set_cap(PersonId(5), &rho("0.1")).unwrap();
    ledger.set_cap(PersonId(6), &rho("40")).unwrap();
    assert_eq!(ledger.person(PersonId(6)).unwrap().cap, rho("1"), "no cap passes the provider's");
    assert_eq!(ledger.over_caps_of_everybody(id(1), &rho("0.2")).unwrap(), BTreeSet::from([PersonId(5)]));
    assert!(ledger.reserve(id(1), PLAN, &everybody("0.2", &[])).is_err(), "she was not left out");
    assert_eq!(ledger.statement().unwrap().spent, Rho::zero(), "a refused charge changes nothing");
    ledger.reserve(id(1), PLAN, &everybody("0.2", &[5])).unwrap();
    assert_eq!((spent(&ledger, 5), spent(&ledger, 6)), ("0".into(), "1/5".into()));
    let losses =
        BTreeMap::from([(PersonId(5), rho("0.1")), (PersonId(6), rho("0.81")), (PersonId(7), rho("0.8"))]);
    assert_eq!(ledger.over_caps(id(2), &losses).unwrap(), BTreeSet::from([PersonId(6)]));
    assert!(ledger.reserve(id(2), PLAN, &each("0.8", &[(5, "0.11")])).is_err());
    assert!(ledger.reserve(id(2), PLAN, &each("0.8", &[(7, "0.81")])).is_err(), "more than the price");
    ledger.reserve(id(2), PLAN, &each("0.8", &[(5, "0.1"), (7, "0.8")])).unwrap();
    assert_eq!((spent(&ledger, 5), spent(&ledger, 7)), ("1/10".into(), "1".into()));
}

#[test]
fn a_cap_below_what_was_spent_means_that_she_loses_no_more() {
    let (_desk, ledger) = Desk::new("1");
    ledger.reserve(id(1), PLAN, &everybody("0.5", &[])).unwrap();
    ledger.set_cap(PersonId(5), &rho("0.1")).unwrap();
    assert_eq!(ledger.over_caps_of_everybody(id(2), &rho("0.1")).unwrap(), BTreeSet::from([PersonId(5)]));
    ledger.reserve(id(2), PLAN, &everybody("0.1", &[5])).unwrap();
    assert_eq!((spent(&ledger, 5), spent(&ledger, 6)), ("1/2".into(), "3/5".into()));
}

#[test]
fn a_release_lives_once_and_answers_the_same_for_ever() {
    let (desk, ledger) = Desk::new("1");
    let charge = everybody("0.25", &[]);
    let noise = vec![vec![1, -2, i64::MAX], vec![]];
    assert!(ledger.store_noise(id(1), &noise).is_err() && ledger.commit(id(1), id(9), b"").is_err());
    ledger.reserve(id(1), PLAN, &charge).unwrap();
    assert!(ledger.commit(id(1), id(9), b"").is_err(), "no noise yet");
    ledger.store_noise(id(1), &noise).unwrap();
    assert!(ledger.store_noise(id(1), &noise).is_err(), "noise is drawn once");
    drop(ledger);
    let ledger = desk.open().unwrap();
    assert_eq!(ledger.reserve(id(1), PLAN, &charge).unwrap(), Stage::Drawn(noise));
    ledger.commit(id(1), id(9), b"manifest").unwrap();
    ledger.commit(id(1), id(9), b"manifest").unwrap();
    assert!(ledger.commit(id(1), id(8), b"manifest").is_err(), "another answer");
    let committed = Stage::Committed { answer: id(9), metadata: b"manifest".to_vec() };
    assert_eq!(ledger.reserve(id(1), PLAN, &charge).unwrap(), committed);
    assert!(ledger.store_noise(id(1), &[]).is_err());
    assert_eq!(spent(&ledger, 3), "1/4", "charged once");
    let read = ledger.store.read().unwrap();
    assert_eq!(read.all_sealed(store::NOISE).unwrap().len(), 0, "the noise is erased");
}

#[test]
fn an_id_is_bound_to_its_plan_price_and_kind_of_charge() {
    let (_desk, ledger) = Desk::new("1");
    ledger.reserve(id(1), PLAN, &everybody("0.25", &[])).unwrap();
    for (plan, charge) in
        [(id(3), everybody("0.25", &[])), (PLAN, everybody("0.24", &[])), (PLAN, each("0.25", &[]))]
    {
        let error = ledger.reserve(id(1), plan, &charge).unwrap_err();
        let fault = matches!(&error, AnonymizerError::Ledger { fault: LedgerFault::Conflict { .. }, .. });
        assert!(fault, "{error}");
    }
    assert_eq!(ledger.statement().unwrap().spent, rho("0.25"));
}

#[test]
fn a_second_attempt_over_changed_data_charges_the_larger_of_both() {
    let (_desk, ledger) = Desk::new("1");
    ledger.reserve(id(1), PLAN, &each("0.5", &[(1, "0.2"), (2, "0.3")])).unwrap();
    let losses = BTreeMap::from([(PersonId(1), rho("0.4")), (PersonId(3), rho("0.5"))]);
    assert!(ledger.over_caps(id(1), &losses).unwrap().is_empty());
    ledger.reserve(id(1), PLAN, &each("0.5", &[(1, "0.4"), (3, "0.5")])).unwrap();
    let all = (spent(&ledger, 1), spent(&ledger, 2), spent(&ledger, 3));
    assert_eq!(all, ("2/5".into(), "3/10".into(), "1/2".into()));
    ledger.reserve(id(2), PLAN, &everybody("0.5", &[1, 2])).unwrap();
    ledger.reserve(id(2), PLAN, &everybody("0.5", &[2, 3])).unwrap();
    let all = (spent(&ledger, 1), spent(&ledger, 2), spent(&ledger, 3));
    assert_eq!(all, ("9/10".into(), "3/10".into(), "1".into()));
    assert_eq!(ledger.statement().unwrap().spent, rho("0.5"), "the release was priced once");
}

#[test]
fn a_forgotten_person_leaves_totals_answers_and_one_number_behind() {
    let (_desk, ledger) = Desk::new("1");
    for person in [1, 2, 3] {
        ledger.set_cap(PersonId(person), &rho("0.9")).unwrap();
    }
    ledger.reserve(id(1), PLAN, &everybody("0.25", &[2])).unwrap();
    ledger.store_noise(id(1), &[vec![1]]).unwrap();
    ledger.commit(id(1), id(9), b"").unwrap();
    ledger.reserve(id(2), PLAN, &each("0.5", &[(1, "0.2"), (2, "0.3")])).unwrap();
    let before = ledger.statement().unwrap();
    for person in [1, 2, 3] {
        ledger.forget(PersonId(person)).unwrap();
    }
    assert_eq!(ledger.statement().unwrap(), before);
    let read = ledger.store.read().unwrap();
    let rows = read.rows::<PersonRow>(PERSONS).unwrap();
    let kept: BTreeMap<_, _> = rows.iter().map(|row| (row.person, row.individual.to_string())).collect();
    // The third lost nothing beyond everybody: nothing of her is left.
    assert_eq!(kept, BTreeMap::from([(1, "1/5".into()), (2, "1/20".into())]));
    assert!(rows.iter().all(|row| row.cap.is_none() && row.exempt.is_zero()));
    let all = (spent(&ledger, 1), spent(&ledger, 2), spent(&ledger, 3));
    assert_eq!(all, ("9/20".into(), "3/10".into(), "1/4".into()), "never below what was lost");
}

#[test]
fn who_is_forgotten_and_comes_back_loses_no_more_than_her_cap() {
    let (_desk, ledger) = Desk::new("4");
    let (her, cap) = (PersonId(1), rho("0.5"));
    let mut lost = Rho::zero();
    for number in 1..=6 {
        ledger.set_cap(her, &cap).unwrap();
        let losses = BTreeMap::from([(her, rho("0.2"))]);
        if ledger.over_caps(id(number), &losses).unwrap().is_empty() {
            ledger.reserve(id(number), PLAN, &each("0.2", &[(1, "0.2")])).unwrap();
            lost += &rho("0.2");
        }
        ledger.forget(her).unwrap();
    }
    assert_eq!(lost, rho("0.4"), "twice, and then she is left out however often she comes back");
}

#[test]
fn who_is_forgotten_while_a_census_leaves_her_out_pays_when_it_counts_her_after_all() {
    let (_desk, ledger) = Desk::new("4");
    ledger.reserve(id(1), PLAN, &each("0.5", &[(1, "0.5")])).unwrap();
    ledger.reserve(id(2), PLAN, &everybody("0.25", &[1])).unwrap();
    ledger.forget(PersonId(1)).unwrap();
    assert_eq!(spent(&ledger, 1), "1/2");
    // The census goes on after a kill, and she is back and in it.
    ledger.reserve(id(2), PLAN, &everybody("0.25", &[])).unwrap();
    assert_eq!(spent(&ledger, 1), "3/4");
    ledger.forget(PersonId(1)).unwrap();
    assert_eq!(spent(&ledger, 1), "3/4");
}

/// Every form in which an id, a loss or a noise could be read off the file.
fn traces(person: u64, loss: &str, noise: i64, id: Digest, metadata: &str) -> Vec<Vec<u8>> {
    let hexadecimal = id.to_string();
    vec![
        person.to_le_bytes().to_vec(),
        person.to_be_bytes().to_vec(),
        person.to_string().into_bytes(),
        format!("{person:x}").into_bytes(),
        loss.as_bytes().to_vec(),
        loss.split('/').next().unwrap().as_bytes().to_vec(),
        noise.to_le_bytes().to_vec(),
        noise.to_string().into_bytes(),
        id.0.to_vec(),
        hexadecimal.as_bytes()[2..].to_vec(),
        metadata.as_bytes().to_vec(),
    ]
}

#[test]
fn neither_persons_nor_releases_nor_losses_nor_noise_can_be_read_off_the_file() {
    let (desk, ledger) = Desk::new("1");
    let (person, loss, noise) = (0x1122_3344_5566_7788, "1234567891/98765432100", 0x0123_4567_89ab_cdef);
    ledger.set_cap(PersonId(person), &rho("0.5")).unwrap();
    ledger.reserve(id(1), PLAN, &each("0.5", &[(person, loss)])).unwrap();
    ledger.store_noise(id(1), &[vec![noise; 500]]).unwrap();
    let traces = traces(person, loss, noise, id(1), "the-manifest-of-it");
    let found = |stage: &str| {
        let file = std::fs::read(desk.file()).unwrap();
        for trace in &traces {
            let seen = file.windows(trace.len()).any(|window| window == trace.as_slice());
            assert!(!seen, "{:?} stands in the file when it is {stage}", String::from_utf8_lossy(trace));
        }
        // The search finds what is there: the version's row lies in the clear.
        assert!(file.windows(7).any(|window| window == b"version"));
    };
    found("drawn");
    ledger.commit(id(1), id(2), b"the-manifest-of-it").unwrap();
    found("committed");
    ledger.forget(PersonId(person)).unwrap();
    drop(ledger);
    found("forgotten and closed");
}
