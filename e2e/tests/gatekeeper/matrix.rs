//! The access matrix: who may do what, written down by hand beside the code that decides, and tried cell by cell.
//!
//! | word | in a cell about reading |
//! |---|---|
//! | `*` | every column of the table but the person's pseudonym |
//! | `c` | `code` and `start_date` |
//! | `.` | refused |
//!
//! In a cell about an act: `y` done, `.` refused as not allowed.

use std::collections::BTreeSet;

use alloy_primitives::{B256, hex};
use alloy_signer_local::PrivateKeySigner;
use medrec_chain::acts::consents::{Appoint, FoundGroup, Grant, Revoke, SetMember};
use medrec_domain::consent::Grantee;
use medrec_domain::identifier::EpochNumber;
use medrec_domain::schema::Table;
use medrec_domain::{Digest, Purpose};
use medrec_e2e::{funded, now_s, person};
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::acts::{Relay, RelayBody};
use medrec_protocol::methods::consents::{Erase, EraseBody, List, ListBody, Put, PutBody};
use medrec_protocol::methods::provider::{
    EpochBody, Invite, InviteBody, Link, LinkBody, PostBody, PostUpdate, Propose, ProposeBody, RunEpoch,
    Unlink, UnlinkBody,
};
use medrec_protocol::methods::records::{Audit, AuditBody, Read, ReadAnswer};

use crate::clinic::{Clinic, Patient, Wish, newcomer, reading, sealed};
use crate::desk::{Reply, fresh_nonce};
use crate::truth::all_columns;

/// What each actor sees of the patient's record.
const READING: &str = "
actor              person-treatment condition-treatment measurement-treatment condition-personal condition-health condition-research
patient            *                *                   *                     *                  *                *
other-patient      .                .                   .                     .                  .                .
doctor             *                *                   *                     .                  .                .
specialist         .                c                   .                     .                  .                .
outsider           .                .                   .                     .                  .                .
family             .                .                   .                     *                  .                .
agency             .                .                   .                     .                  c                .
guardian           .                .                   .                     .                  .                .
idle-guardian      .                .                   .                     .                  .                .
revoked-doctor     .                .                   .                     .                  .                .
early-doctor       .                .                   .                     .                  .                .
late-doctor        .                .                   .                     .                  .                .
undocumented       .                .                   .                     .                  .                .
ungranted          .                .                   .                     .                  .                .
staff              *                *                   *                     .                  .                .
other-provider     .                .                   .                     .                  .                .
stranger           .                .                   .                     .                  .                .
";

/// What each actor may do about the patient, or about the provider's own business.
const DOING: &str = "
actor              put-own put-hers erase audit found grant replay-hers link unlink invite propose post epoch
patient            y       y        y     y     y     y     .           .    .      .      .       .    .
other-patient      .       .        .     .     y     .     .           .    .      .      .       .    .
doctor             .       .        .     .     .     .     .           .    .      .      .       .    .
specialist         .       .        .     .     .     .     .           .    .      .      .       .    .
family             .       .        .     .     .     .     .           .    .      .      .       .    .
guardian           y       .        y     y     .     y     .           .    .      .      .       .    .
idle-guardian      .       .        .     .     .     .     .           .    .      .      .       .    .
revoked-doctor     .       .        .     .     .     .     .           .    .      .      .       .    .
staff              .       .        .     y     .     .     .           y    y      y      y       y    y
other-provider     .       .        .     .     .     .     .           .    .      .      .       .    .
stranger           .       .        .     .     .     .     .           .    .      .      .       .    .
";

/// A table as actors, columns and words.
fn cells(text: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let mut lines = text.lines().filter(|line| !line.is_empty()).map(|line| line.split_whitespace());
    let columns: Vec<_> = lines.next().unwrap().skip(1).collect();
    lines
        .map(|mut words| {
            let actor = words.next().unwrap();
            let cells: Vec<_> = columns.iter().copied().zip(words).collect();
            assert_eq!(cells.len(), columns.len(), "{actor}");
            (actor, cells)
        })
        .collect()
}

struct World {
    clinic: Clinic,
    patient: Patient,
    other: Patient,
    /// A document that nobody needs.
    spare: Digest,
}

impl World {
    async fn open() -> Self {
        let clinic = Clinic::open().await;
        let (patient, other) = (clinic.patient(0).await, clinic.patient(1).await);
        let names = [
            "doctor",
            "specialist",
            "outsider",
            "family",
            "agency",
            "guardian",
            "idle-guardian",
            "revoked-doctor",
            "early-doctor",
            "late-doctor",
            "undocumented",
            "ungranted",
        ];
        for name in names {
            clinic.enter(name).await;
        }
        let spare = clinic.document(&patient, Wish::all_to(&person("spare")));
        let body = PutBody { document: spare.document, salt: spare.salt };
        clinic.desk.ask::<Put>(&patient.key, body).await;
        let world = Self { clinic, patient, other, spare: spare.commitment };
        world.grants().await;
        world
    }

    /// What the patient gave, took back, and left half done.
    async fn grants(&self) {
        let (clinic, patient) = (&self.clinic, &self.patient);
        let coded = ["condition.code", "condition.start_date"];
        clinic.grant(patient, Wish::all_to(&person("doctor"))).await;
        clinic
            .grant(
                patient,
                Wish { grantee: self.group().await, ..Wish::all_to(&person("nobody")) }.with_fields(&coded),
            )
            .await;
        clinic.grant(patient, Wish::all_to(&person("family")).for_purpose(Purpose::Personal)).await;
        let agency = Wish::all_to(&person("agency")).for_purpose(Purpose::PublicHealth).with_fields(&coded);
        clinic.grant(patient, agency).await;
        let key = patient.key.address();
        let expiry_s = u32::try_from(now_s() + 86_400).unwrap();
        let appoint = Appoint { guardian: person("guardian").address(), powers: 2, start_s: 0, expiry_s };
        clinic.carry(&appoint, &patient.key).await;
        let given = clinic.grant(patient, Wish::all_to(&person("revoked-doctor"))).await;
        clinic.carry(&Revoke { patient: key, terms: given.terms }, &patient.key).await;
        let now = clinic.ground.time_s();
        let early =
            Wish { start_s: now + 100_000, expiry_s: now + 200_000, ..Wish::all_to(&person("early-doctor")) };
        clinic.grant(patient, early).await;
        clinic.grant(patient, Wish { expiry_s: now + 300, ..Wish::all_to(&person("late-doctor")) }).await;
        let undocumented = clinic.document(patient, Wish::all_to(&person("undocumented")));
        clinic.carry(&Grant { patient: key, terms: undocumented.terms }, &patient.key).await;
        let ungranted = clinic.document(patient, Wish::all_to(&person("ungranted")));
        let body = PutBody { document: ungranted.document, salt: ungranted.salt };
        clinic.desk.ask::<Put>(&patient.key, body).await;
        clinic.ground.mine_after(400);
    }

    /// A group of the doctor's in which the specialist is, and the outsider no more.
    async fn group(&self) -> Grantee {
        let (ground, owner) = (&self.clinic.ground, person("doctor"));
        let salt = B256::repeat_byte(3);
        ground.relay(&FoundGroup { owner: owner.address(), salt }, &owner).await;
        let view = ground.view().await;
        let name = medrec_contracts::Consents::groupNameCall { owner: owner.address(), salt };
        let group = ground.contracts.at(&view).ask(&name).await.unwrap();
        for (name, admitted) in [("specialist", true), ("outsider", true), ("outsider", false)] {
            let member = person(name).address();
            ground.relay(&SetMember { owner: owner.address(), group, member, admitted }, &owner).await;
        }
        Grantee::Group { id: Digest(group.into_word().0) }
    }

    fn key(&self, actor: &str) -> PrivateKeySigner {
        match actor {
            "patient" => self.patient.key.clone(),
            "other-patient" => self.other.key.clone(),
            "staff" => self.clinic.staff.clone(),
            "other-provider" => funded(1),
            name => person(name),
        }
    }

    async fn act(&self, actor: &str, action: &str) -> Reply {
        let (desk, key) = (&self.clinic.desk, &self.key(actor));
        let account = self.patient.account;
        match action {
            // A document about the patient that the actor signs; and one that says that the patient does.
            "put-own" | "put-hers" => {
                let mut document =
                    self.clinic.document(&self.patient, Wish::all_to(&person("third party"))).document;
                if action == "put-own" {
                    document.signer = from_chain(key.address());
                }
                let given = sealed(document);
                desk.reply::<Put>(key, PutBody { document: given.document, salt: given.salt }).await
            }
            "erase" => {
                let body = EraseBody { patient: account, commitment: self.spare };
                desk.reply::<Erase>(key, body).await
            }
            "audit" => desk.reply::<Audit>(key, AuditBody { patient: account, after: 0, limit: 10 }).await,
            // Acts that the actor signed: the founding of a group, and a grant in the patient's name.
            "found" => {
                let found = FoundGroup { owner: key.address(), salt: B256::repeat_byte(7) };
                self.carry(key, self.clinic.ground.signed(&found, key).await).await
            }
            "grant" => self.carry(key, self.clinic.ground.signed(&self.new_grant(), key).await).await,
            // An act that somebody else signed, sent by the actor.
            "replay-hers" => {
                let signer = if actor == "patient" { &self.other.key } else { &self.patient.key };
                self.carry(key, self.clinic.ground.signed(&self.new_grant(), signer).await).await
            }
            other => self.provide(key, other).await,
        }
    }

    /// A grant of the patient's that nobody gave yet.
    fn new_grant(&self) -> Grant {
        let given = self.clinic.document(&self.patient, Wish::all_to(&person("third party")));
        Grant { patient: self.patient.key.address(), terms: given.terms }
    }

    async fn carry(&self, key: &PrivateKeySigner, act: medrec_chain::Act) -> Reply {
        let body = RelayBody { contract: "Consents".to_owned(), calldata: hex::encode_prefixed(&act.data) };
        self.clinic.desk.reply::<Relay>(key, body).await
    }

    /// What only the provider does.
    async fn provide(&self, key: &PrivateKeySigner, action: &str) -> Reply {
        let (desk, guest) = (&self.clinic.desk, newcomer(7));
        let account = guest.account;
        match action {
            "link" => desk.reply::<Link>(key, LinkBody { account, source_id: guest.source_id }).await,
            "unlink" => desk.reply::<Unlink>(key, UnlinkBody { account }).await,
            "invite" => desk.reply::<Invite>(key, InviteBody { account }).await,
            // A participant who is no patient of anybody: the contract takes the proposal.
            "propose" => {
                desk.reply::<Propose>(key, ProposeBody { account, idempotency_key: fresh_nonce() }).await
            }
            "post" => {
                let query = medrec_domain::workload::catalogue::Catalogue::standard().unwrap();
                let query = query.queries.keys().next().unwrap().clone();
                let (patients, idempotency_key) = (vec![self.patient.account], fresh_nonce());
                desk.reply::<PostUpdate>(key, PostBody { patients, query, idempotency_key }).await
            }
            "epoch" => {
                let (from, until) = ("2024-01-01".parse().unwrap(), "2024-02-01".parse().unwrap());
                desk.reply::<RunEpoch>(key, EpochBody { epoch: EpochNumber(1), from, until }).await
            }
            other => panic!("{other} is no action"),
        }
    }
}

fn question(column: &str) -> (Table, Purpose) {
    let (table, purpose) = column.split_once('-').unwrap();
    let purpose = match purpose {
        "treatment" => Purpose::Treatment,
        "personal" => Purpose::Personal,
        "health" => Purpose::PublicHealth,
        _ => Purpose::ResearchAggregate,
    };
    (table.parse().unwrap(), purpose)
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_everybody_sees_exactly_what_the_table_of_the_policy_says() {
    let world = World::open().await;
    let (mut right, mut wrong) = (0, Vec::new());
    for (actor, row) in cells(READING) {
        for (column, word) in row {
            let (table, purpose) = question(column);
            let reply = world
                .clinic
                .desk
                .reply::<Read>(&world.key(actor), reading(&world.patient, purpose, table))
                .await;
            let all: BTreeSet<_> = all_columns(table).into_iter().collect();
            let coded = BTreeSet::from(["code".to_owned(), "start_date".to_owned()]);
            let is_right = match word {
                "." => reply.status != 200 && reply.refusal() == RefusalCode::NotAllowed,
                _ if reply.status != 200 => false,
                shown => {
                    let answer: ReadAnswer = serde_json::from_slice(&reply.body).unwrap();
                    let seen: BTreeSet<_> = answer.columns.iter().cloned().collect();
                    seen == if shown == "*" { all } else { coded } && !answer.rows.is_empty()
                }
            };
            if is_right {
                right += 1;
            } else {
                let body = String::from_utf8_lossy(&reply.body).chars().take(200).collect::<String>();
                wrong.push(format!("{actor} {column} should be {word}: {} {body}", reply.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{right} cells are right, these are not:\n{}", wrong.join("\n"));
    assert_eq!(right, 17 * 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_does_exactly_what_the_table_of_the_policy_says() {
    let world = World::open().await;
    let (mut right, mut wrong) = (0, Vec::new());
    for (actor, row) in cells(DOING) {
        for (action, word) in row {
            let reply = world.act(actor, action).await;
            // Of what is allowed, some has no object here: unlinking twice, proposing to who is no participant, a census of nobody.
            let is_refused = reply.status != 200
                && match reply.refusal() {
                    RefusalCode::NotAllowed => true,
                    // A document whose signer is not who sends it.
                    RefusalCode::BadRequest => action == "put-hers",
                    // The contract's own no, before anything is sent.
                    RefusalCode::Conflict => action == "grant",
                    _ => false,
                };
            let is_done = reply.status == 200
                || matches!(action, "propose" | "epoch") && reply.status != 500 && !is_refused;
            if if word == "y" { is_done } else { is_refused } {
                right += 1;
            } else {
                let body = String::from_utf8_lossy(&reply.body).chars().take(200).collect::<String>();
                wrong.push(format!("{actor} {action} should be {word}: {} {body}", reply.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{right} cells are right, these are not:\n{}", wrong.join("\n"));
    assert_eq!(right, 11 * 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_listed_to_their_patient_and_to_whom_they_name() {
    let world = World::open().await;
    let list = async |actor: &str| {
        let body = ListBody { patient: world.patient.account };
        let reply = world.clinic.desk.reply::<List>(&world.key(actor), body).await;
        let answer: Option<medrec_protocol::methods::consents::ListAnswer> =
            (reply.status == 200).then(|| serde_json::from_slice(&reply.body).unwrap());
        answer.map_or_else(Vec::new, |answer| answer.documents)
    };
    let hers = list("patient").await;
    // Nine were left, of which four are in force.
    assert_eq!(hers.len(), 9);
    let in_force = hers.iter().filter(|stored| stored.is_in_force).count();
    assert_eq!(in_force, 4, "doctor, group, family, agency: {hers:?}");
    let doctors = list("doctor").await;
    assert_eq!(doctors.len(), 1);
    assert_eq!(
        doctors[0].document.grantee,
        Grantee::Person { address: from_chain(person("doctor").address()) }
    );
    for actor in ["other-patient", "outsider", "stranger", "other-provider"] {
        assert!(list(actor).await.is_empty(), "{actor}");
    }
}
