//! Who else decides: guardians that recover a lost key, a second party that has to agree. Processes on a real chain.

use std::fs;

use serde_json::{Value, json};

use crate::hospital::{Hospital, NAME};
use crate::process::stderr;

/// Longer than the contract's three days.
const FOUR_DAYS_S: u64 = 4 * 86_400;

/// What somebody reads; `None` when it is refused.
fn conditions(hospital: &Hospital, whose: &str, of: Option<&str>) -> Option<Value> {
    let of: Vec<&str> = of.map_or_else(Vec::new, |of| vec!["--of", of, "--purpose", "treatment"]);
    let output = hospital.tried_here(whose, &[&["read", "--table", "condition"], &of[..]].concat());
    if output.status.success() {
        return Some(serde_json::from_slice(&output.stdout).unwrap());
    }
    assert!(stderr(&output).contains("records/read"), "{}", stderr(&output));
    None
}

#[test]
fn a_patient_who_lost_her_key_is_recovered_by_her_guardians_and_reads_again() {
    let mut hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    let account = hospital.welcome("alma", 3);
    let guardians = ["aunt", "uncle", "friend"].map(|name| hospital.enter(name));
    let before = conditions(&hospital, "alma", None).unwrap();
    assert!(!before["rows"].as_array().unwrap().is_empty(), "{before}");
    let named: Vec<&str> = guardians.iter().map(String::as_str).collect();
    let name = [&["recovery", "guardians"], &named[..], &["--threshold", "2"]].concat();
    assert_eq!(hospital.here("alma", &name)["state"], "included");
    hospital.here("alma", &["grant", "--to", named[2], "--purpose", "treatment", "--until", "2030-01-01"]);
    assert!(conditions(&hospital, "friend", Some(&account)).is_some());
    // Keystore and words are gone. A new keystore makes a key, the same one each time.
    fs::remove_file(hospital.path("alma.json")).unwrap();
    hospital.keys("new", &["patient", "keys", "create"]);
    let begun = hospital.here("new", &["recovery", "begin", &account]);
    assert_eq!(hospital.here("new", &["recovery", "begin", &account]), begun);
    let key = begun["key"].as_str().unwrap();
    assert_eq!(conditions(&hospital, "new", None), None, "the key speaks for nobody yet");
    // One guardian is too few; strangers and second votes do not count.
    let support = ["recovery", "support", key, "--for", &account];
    let early = hospital.tried_here("new", &["recovery", "finish"]);
    assert!(stderr(&early).contains("0 of 3 guardians support it, 2 are needed"), "{}", stderr(&early));
    hospital.here("aunt", &support);
    let again = hospital.tried_here("aunt", &support);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("AlreadySupported"), "{}", stderr(&again));
    hospital.enter("stranger");
    let stranger = hospital.tried_here("stranger", &support);
    assert!(stderr(&stranger).contains("is no guardian that can recover"), "{}", stderr(&stranger));
    let standing = hospital.here("new", &["recovery", "status"]);
    assert_eq!((&standing["stage"], &standing["threshold"]), (&json!("needs-support"), &json!(2)));
    hospital.here("uncle", &support);
    let standing = hospital.here("aunt", &["recovery", "status", key, "--for", &account]);
    assert_eq!(standing["stage"], "waiting");
    let early = hospital.tried_here("new", &["recovery", "finish"]);
    assert_eq!(early.status.code(), Some(1));
    assert!(stderr(&early).contains("its delay runs for"), "{}", stderr(&early));
    // Days pass: everything runs on with a clock that is ahead.
    assert_eq!(gatekeeper.stop().0, Some(0));
    assert_eq!(hospital.node.take().unwrap().stop().0, Some(0));
    hospital.ahead_s = FOUR_DAYS_S;
    hospital.start_node(&[]);
    let gatekeeper = hospital.gatekeeper();
    hospital.blocks(1);
    assert_eq!(hospital.here("new", &["recovery", "status"])["stage"], "ready");
    hospital.here("new", &["recovery", "finish"]);
    assert_eq!(hospital.here("new", &["recovery", "status"])["stage"], "done");
    let after = conditions(&hospital, "new", None).unwrap();
    assert_eq!(after["rows"], before["rows"], "she reads what she read before");
    assert_eq!(conditions(&hospital, "friend", Some(&account)), None, "what the lost key granted is void");
    let late = hospital.tried_here("new", &["recovery", "finish"]);
    assert!(stderr(&late).contains("speaks for"), "{}", stderr(&late));
    assert_eq!(gatekeeper.stop().0, Some(0));
}

#[test]
fn a_patient_who_has_her_key_stops_a_recovery() {
    let hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    let account = hospital.welcome("alma", 3);
    let aunt = hospital.enter("aunt");
    hospital.here("alma", &["recovery", "guardians", &aunt, "--threshold", "1"]);
    hospital.keys("thief", &["patient", "keys", "create"]);
    let key = hospital.here("thief", &["recovery", "begin", &account])["key"].as_str().unwrap().to_owned();
    hospital.here("aunt", &["recovery", "support", &key, "--for", &account]);
    let of = ["recovery", "status", &key, "--for", &account];
    assert_eq!(hospital.here("alma", &of)["stage"], "waiting");
    let thief = hospital.tried_here("thief", &["recovery", "cancel"]);
    assert!(stderr(&thief).contains("NotAParticipant"), "{}", stderr(&thief));
    hospital.here("alma", &["recovery", "cancel"]);
    assert_eq!(hospital.here("alma", &of)["stage"], "needs-support");
    hospital.here("alma", &["recovery", "guardians", "--none"]);
    assert_eq!(hospital.here("alma", &of)["stage"], "no-guardians");
    let unknown = hospital.tried_here("alma", &["recovery", "guardians", &key, "--threshold", "1"]);
    assert!(stderr(&unknown).contains("is no participant on this chain"), "{}", stderr(&unknown));
    let nobody = hospital.tried_here("aunt", &["recovery", "support", &key]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("hint: --for ACCOUNT"), "{}", stderr(&nobody));
    assert_eq!(gatekeeper.stop().0, Some(0));
}

/// Whether the gatekeeper says that a consent is in force.
fn is_in_force(hospital: &Hospital, commitment: &str) -> bool {
    let list = hospital.here("alma", &["consents"]);
    let documents = list["documents"].as_array().unwrap();
    let found = documents.iter().find(|stored| stored["commitment"] == commitment).unwrap();
    found["is_in_force"].as_bool().unwrap()
}

#[test]
fn a_two_party_consent_has_no_effect_until_the_second_party_agreed() {
    let hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    let account = hospital.welcome("alma", 3);
    let (doctor, son) = (hospital.enter("doctor"), hospital.enter("son"));
    assert_eq!(hospital.here("alma", &["second-party", "status"])["second_party"], Value::Null);
    hospital.here("alma", &["second-party", "require", &son]);
    let standing = hospital.here("son", &["second-party", "status", "--for", &account]);
    assert!(standing["second_party"].as_str().unwrap().eq_ignore_ascii_case(&son), "{standing}");
    // A grant.
    let until = ["--until", "2030-01-01"];
    let grant = [&["grant", "--to", &doctor, "--purpose", "treatment"], &until[..]].concat();
    let grant = hospital.here("alma", &grant)["commitment"].as_str().unwrap().to_owned();
    assert!(!is_in_force(&hospital, &grant));
    assert_eq!(conditions(&hospital, "doctor", Some(&account)), None);
    hospital.here("alma", &["second-party", "ask", &grant, "--out", "grant.consent"]);
    let agree = ["second-party", "agree", "--consent", "grant.consent"];
    let stranger = hospital.tried_here("doctor", &agree);
    assert!(stderr(&stranger).contains("is not the second party of"), "{}", stderr(&stranger));
    let agreed = hospital.here("son", &agree);
    assert_eq!(agreed["document"]["grantee"]["address"], doctor.to_lowercase(), "{agreed}");
    assert!(is_in_force(&hospital, &grant));
    assert!(conditions(&hospital, "doctor", Some(&account)).is_some());
    hospital.here("son", &[&agree[..], &["--withdraw"]].concat());
    assert_eq!(conditions(&hospital, "doctor", Some(&account)), None, "taken back");
    // A release to research.
    let research = hospital.here("alma", &[&["research", "--cap", "1/10"], &until[..]].concat());
    let research = research["commitment"].as_str().unwrap().to_owned();
    assert!(!is_in_force(&hospital, &research));
    hospital.here("alma", &["second-party", "ask", &research, "--out", "research.consent"]);
    // A file that says something else is not signed.
    let file = fs::read_to_string(hospital.path("research.consent")).unwrap();
    fs::write(hospital.path("forged"), file.replace("1/10", "1/1000")).unwrap();
    let forged = hospital.tried_here("son", &["second-party", "agree", "--consent", "forged"]);
    assert!(stderr(&forged).contains("forged: the document's commitment is"), "{}", stderr(&forged));
    let agree = ["second-party", "agree", "--consent", "research.consent"];
    assert_eq!(hospital.here("son", &agree)["document"]["yearly_cap"], "1/10");
    assert!(is_in_force(&hospital, &research));
    // Given anew, it waits for an agreement anew; taken back, there is nothing to agree to.
    hospital.here("alma", &["revoke", &research]);
    let gone = hospital.tried_here("son", &agree);
    assert!(stderr(&gone).contains("has not put"), "{}", stderr(&gone));
    // A guardian.
    let aunt = hospital.enter("aunt");
    let appoint = [&["guardian", "appoint", &aunt, "--powers", "grant"], &until[..]].concat();
    hospital.here("alma", &appoint);
    let mine = ["consents", "--for", &account];
    assert!(!hospital.tried_here("aunt", &mine).status.success(), "no power without the second party");
    hospital.here("son", &["second-party", "agree", "--guardian", &aunt, "--for", &account]);
    assert!(hospital.tried_here("aunt", &mine).status.success());
    assert_eq!(gatekeeper.stop().0, Some(0));
}

#[test]
fn a_second_party_is_changed_by_both_together_and_by_neither_alone() {
    let hospital = Hospital::open();
    let gatekeeper = hospital.gatekeeper();
    let account = hospital.welcome("alma", 3);
    let (son, daughter) = (hospital.enter("son"), hospital.enter("daughter"));
    hospital.here("alma", &["second-party", "require", &son]);
    let alone = hospital.tried_here("alma", &["second-party", "require", &daughter]);
    assert!(stderr(&alone).contains("CosignerStands"), "{}", stderr(&alone));
    let hand_over = ["second-party", "hand-over", "--for", &account];
    let other = hospital.tried_here("daughter", &[&hand_over[..], &["--to-nobody", "--out", "x"]].concat());
    assert!(stderr(&other).contains("is not the second party of"), "{}", stderr(&other));
    assert!(!hospital.path("x").exists());
    hospital.here("son", &[&hand_over[..], &["--to", &daughter, "--out", "change"]].concat());
    let standing = || hospital.here("alma", &["second-party", "status"])["second_party"].clone();
    assert!(standing().as_str().unwrap().eq_ignore_ascii_case(&son), "a file alone changes nothing");
    // The patient cannot put another name into it.
    let file = fs::read_to_string(hospital.path("change")).unwrap();
    let replaced = file.replace(&daughter.to_lowercase(), "0x00000000000000000000000000000000000000aa");
    assert_ne!(replaced, file);
    fs::write(hospital.path("forged"), replaced).unwrap();
    let forged = hospital.tried_here("alma", &["second-party", "change", "forged"]);
    assert_eq!(forged.status.code(), Some(1));
    assert!(stderr(&forged).contains("the contract refuses"), "{}", stderr(&forged));
    hospital.here("alma", &["second-party", "change", "change"]);
    assert!(standing().as_str().unwrap().eq_ignore_ascii_case(&daughter));
    let used = hospital.tried_here("alma", &["second-party", "change", "change"]);
    assert_eq!(used.status.code(), Some(1), "a file is good once");
    hospital.here("daughter", &[&hand_over[..], &["--to-nobody", "--out", "release"]].concat());
    hospital.here("alma", &["second-party", "change", "release"]);
    assert_eq!(standing(), Value::Null);
    let words = hospital.command(&["patient", "second-party", "status", "--keystore", "alma.json"]);
    let words = { words }.args(["--provider", NAME, "--node", &hospital.url]).output().unwrap();
    assert_eq!(String::from_utf8(words.stdout).unwrap(), "nobody has to agree\n");
    assert_eq!(gatekeeper.stop().0, Some(0));
}
