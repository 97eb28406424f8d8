//! Who is unlinked is forgotten, as far as the promise to her allows, also by a process that dies before it came to that.

use std::collections::BTreeMap;

use medrec_anonymizer::ledger::{Charge, Ledger, Payers};
use medrec_datasets::PseudonymKey;
use medrec_domain::identifier::PersonId;
use medrec_domain::{Digest, Rho};
use medrec_protocol::methods::provider::{Unlink, UnlinkBody};

use crate::clinic::{Clinic, Patient};
use crate::desk::PATIENCE;
use crate::process::{self, Process};

fn rho(text: &str) -> Rho {
    text.parse().unwrap()
}

/// The ledger of a gatekeeper that does not run, and a patient's name in it.
fn ledger(clinic: &Clinic, patient: &Patient) -> (Ledger, PersonId) {
    let folder = clinic.state.join("rewards");
    let ledger = Ledger::open(&folder.join("ledger.redb"), &folder.join("ledger.key")).unwrap();
    let key = std::fs::read(clinic.state.join("pseudonym.key")).unwrap();
    let person = PseudonymKey::new(key.try_into().unwrap()).person(&patient.source_id);
    (ledger, person)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlinked_patient_is_forgotten_but_for_what_she_lost_whatever_dies() {
    const TEST: &str = "unlinked::an_unlinked_patient_is_forgotten_but_for_what_she_lost_whatever_dies";
    if process::is_told_to_serve().await {
        return;
    }
    let mut clinic = Clinic::open().await;
    // One for each step at which the process dies, and one for a process that lives.
    let mut patients = Vec::new();
    for index in 0..3 {
        patients.push(clinic.patient(index).await);
    }
    clinic.stop().await;
    for (patient, last) in patients.iter().zip([1, 2, usize::MAX]) {
        let (books, person) = ledger(&clinic, patient);
        books.set_cap(person, &rho("1/2")).unwrap();
        let losses = BTreeMap::from([(person, rho("1/5"))]);
        let charge = Charge { price: rho("1/4"), payers: Payers::Each(losses) };
        books.reserve(Digest([u8::try_from(person.0 % 251).unwrap(); 32]), Digest([2; 32]), &charge).unwrap();
        drop(books);
        let process = Process::start_mortal(&mut clinic, TEST, last).await;
        // It answers or it dies first: the link is gone either way.
        let (desk, staff, body) =
            (clinic.desk, clinic.staff.clone(), UnlinkBody { account: patient.account });
        let _ = tokio::spawn(async move { desk.reply::<Unlink>(&staff, body).await }).await;
        if last == usize::MAX {
            // It forgets soon after it has answered; nobody tells when.
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        } else {
            let is_gone = async {
                while tokio::net::TcpStream::connect(clinic.desk.address).await.is_ok() {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            };
            tokio::time::timeout(PATIENCE, is_gone).await.expect("it dies at its step");
        }
        process.kill();
        if last != usize::MAX {
            clinic.start().await;
            clinic.stop().await;
        }
        let (books, person) = ledger(&clinic, patient);
        let left = books.person(person).unwrap();
        assert_eq!((left.cap, left.spent), (rho("4"), rho("1/5")), "died at {last}");
    }
}
