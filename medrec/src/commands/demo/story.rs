//! MedRec's flow in nine steps, as it happens.
//!
//! Many patients come in and decide what may be counted; one of them is followed from her first account to who read her
//! record; two miners secure the chain and collect what they earned.

use std::time::Duration;

use alloy_signer_local::PrivateKeySigner;
use anyhow::{Context as _, ensure};
use medrec_chain::PatientAct;
use medrec_domain::identifier::{Address, EpochNumber};
use medrec_domain::schema::{Field, Table};
use medrec_domain::{ConditionScope, FieldScope, Purpose, Rho};
use medrec_protocol::RefusalCode;
use medrec_protocol::bridge::from_chain;
use medrec_protocol::methods::notifications::{List, ListBody};
use medrec_protocol::methods::provider::{
    EpochAnswer, EpochBody, PostBody, PostUpdate, Posting, Propose, ProposeBody, RunEpoch,
};
use medrec_protocol::methods::records::{Audit, AuditBody, Read, ReadAnswer, ReadBody};
use medrec_wallet::WalletError;
use medrec_wallet::wishes::fresh_key;

use super::narrator::Narrator;
use super::people::{self, Counter, Patient};
use super::providers::{self, Provider};

/// The catalogue query that goes with the demo's posting: MedRec's own example.
const QUERY: &str = "mean-iron-last-week";
/// What the doctor may see of the patient's measurements.
const FIELDS: [&str; 4] =
    ["measurement.code_system", "measurement.code", "measurement.date", "measurement.value"];
/// Longest wait for an epoch's commitment to come into the chain.
const PATIENCE: Duration = Duration::from_mins(3);

/// How many patients decided what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Decisions {
    /// Everything may be counted.
    pub(super) granted: usize,
    /// A part may be counted.
    pub(super) limited: usize,
    /// Nothing may be counted.
    pub(super) refused: usize,
}

/// Steps 3 and 4: a relationship that the provider proposes and the patient accepts.
pub(super) async fn relate(provider: &Provider, narrator: &mut Narrator<'_>) -> anyhow::Result<Patient> {
    narrator.step(3, &format!("{} proposes a relationship to a patient's fresh account", provider.name));
    let source_id = provider.patients.first().context("the provider has no patient")?;
    let patient = provider.counter.welcome(source_id).await?;
    patient.register().await?;
    let body = ProposeBody { account: patient.account(), idempotency_key: fresh_key()? };
    let answer = provider.counter.gatekeeper.ask::<Propose>(&provider.counter.staff, &body).await?;
    let staff = patient.as_seen_by(&provider.counter.staff);
    staff.follow("propose".to_owned(), answer.key).await?;
    narrator
        .tell(&format!("account {} holds no ether and is used at this provider alone", patient.account()));
    narrator
        .step(4, "the patient hears of it and accepts; the gatekeeper carries her signature to the chain");
    let heard = notifications(&patient).await?;
    patient.desk.relate(PatientAct::Accept).await?;
    narrator.tell(&format!("{heard} notification(s) reached her; the relationship is accepted"));
    Ok(patient)
}

/// Step 5: the provider posts that her record changed, with a bounty from the public catalogue.
pub(super) async fn post(
    provider: &Provider,
    patient: &Patient,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<Posting> {
    narrator.step(5, &format!("{} posts a record update and attaches the bounty {QUERY}", provider.name));
    let (patients, query) = (vec![patient.account()], QUERY.to_owned());
    let body = PostBody { patients, query, idempotency_key: fresh_key()? };
    let posting = provider.counter.gatekeeper.ask::<PostUpdate>(&provider.counter.staff, &body).await?;
    narrator
        .tell("on chain: a keyed commitment and the query's hash; whoever solves the block owns the bounty");
    Ok(posting)
}

/// Steps 6 to 8: she reads her record, lets a doctor see four columns, and takes that back.
pub(super) async fn share(
    provider: &Provider,
    patient: &Patient,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<()> {
    narrator.step(6, "the patient reads her own record");
    let own = read(patient, &patient.desk.signer, Purpose::Personal).await?;
    narrator.tell(&format!("{} measurements, columns {}", own.rows.len(), own.columns.join(", ")));
    narrator.step(7, "she lets one doctor see four columns of her measurements for a year");
    let doctor = provider.counter.reader().await?;
    let fields = FIELDS.iter().map(|field| field.parse::<Field>()).collect::<Result<_, _>>()?;
    let wish = Patient::wish_for_treatment(
        from_chain(doctor.address()),
        FieldScope::Only(fields),
        ConditionScope::All,
    );
    let (document, commitment) = patient.give(wish).await?;
    let seen = read(patient, &doctor, Purpose::Treatment).await?;
    ensure!(seen.columns.len() == FIELDS.len(), "the doctor sees {:?}", seen.columns);
    narrator.tell(&format!(
        "the doctor reads {} rows of {}; every other column is absent",
        seen.rows.len(),
        seen.columns.join(", ")
    ));
    narrator.step(8, "she revokes it, and looks who saw what");
    patient.desk.revoke(&document, &commitment).await?;
    match read(patient, &doctor, Purpose::Treatment).await {
        Err(error) if is_refusal(&error, RefusalCode::NotAllowed) => {
            narrator.tell("the doctor asks again and is refused");
        }
        Err(error) => return Err(error),
        Ok(_) => anyhow::bail!("a revoked consent still opened the record"),
    }
    let body = AuditBody { patient: patient.account(), after: 0, limit: 100 };
    let audit = provider.counter.gatekeeper.ask::<Audit>(&patient.desk.signer, &body).await?;
    let refused = audit.entries.iter().filter(|entry| !entry.is_allowed).count();
    narrator.tell(&format!(
        "her log has {} entries, {refused} of them refused; its head will be anchored on chain",
        audit.entries.len()
    ));
    Ok(())
}

/// Step 2: many patients come in and say what may be counted.
pub(super) async fn decide(
    providers: &[Provider],
    patients: usize,
    cap: &Rho,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<Decisions> {
    narrator
        .step(2, &format!("{patients} patients at each provider come in and decide what research may count"));
    let mut crowds = tokio::task::JoinSet::new();
    for provider in providers {
        let counter = provider.counter.clone();
        // The first is the patient whom the story follows.
        let source_ids: Vec<String> = provider.patients.iter().skip(1).take(patients).cloned().collect();
        let cap = cap.clone();
        crowds.spawn(async move { people::crowd(&counter, &source_ids, &cap).await });
    }
    let mut decisions = Decisions::default();
    while let Some(counts) = crowds.join_next().await {
        let [granted, limited, refused] = counts.context("a provider's task ended")??;
        decisions.granted += granted;
        decisions.limited += limited;
        decisions.refused += refused;
    }
    let Decisions { granted, limited, refused } = decisions;
    narrator.tell(&format!("{granted} share all, {limited} share a part, {refused} share nothing; each set her own cap of rho {cap}"));
    Ok(decisions)
}

/// Step 9: each provider makes its census once and commits its root.
pub(super) async fn census(
    providers: &[Provider],
    this_year: i32,
    narrator: &mut Narrator<'_>,
) -> anyhow::Result<Vec<EpochAnswer>> {
    narrator.step(9, "each provider makes its census once, with noise, and commits its root before any block can earn a part");
    let (from, until) = providers::window(this_year)?;
    let body = EpochBody { epoch: EpochNumber(1), from, until };
    let mut making = Vec::new();
    for provider in providers {
        let (counter, name, body) = (provider.counter.clone(), provider.name, body.clone());
        making.push(tokio::spawn(async move { committed(&counter, name, &body).await }));
    }
    let mut answers = Vec::new();
    for (provider, answer) in providers.iter().zip(making) {
        let answer = answer.await.context("a provider's task ended")??;
        let rho = answer.rho.to_f64_at_least();
        narrator.tell(&format!(
            "{}: {} shards, rho {rho:.2}, root {}",
            provider.name, answer.shards, answer.root
        ));
        answers.push(answer);
    }
    Ok(answers)
}

/// Has a census made and waits until its root is on chain.
async fn committed(counter: &Counter, name: &str, body: &EpochBody) -> anyhow::Result<EpochAnswer> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        // Asked again, it is the same census: this only looks how far the commitment is.
        let answer = counter.gatekeeper.ask::<RunEpoch>(&counter.staff, body).await?;
        if answer.committed_at.is_some() {
            return Ok(answer);
        }
        ensure!(tokio::time::Instant::now() < deadline, "{name}'s census did not come into the chain");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn notifications(patient: &Patient) -> anyhow::Result<usize> {
    let body = ListBody { after: 0, wait_s: 10 };
    Ok(patient.desk.gatekeeper.ask::<List>(&patient.desk.signer, &body).await?.notifications.len())
}

async fn read(patient: &Patient, reader: &PrivateKeySigner, purpose: Purpose) -> anyhow::Result<ReadAnswer> {
    let body = ReadBody {
        patient: patient.account(),
        purpose,
        table: Table::Measurement,
        columns: None,
        from: None,
        until: None,
        after: 0,
        limit: 500,
    };
    Ok(patient.desk.gatekeeper.ask::<Read>(reader, &body).await?)
}

fn is_refusal(error: &anyhow::Error, wanted: RefusalCode) -> bool {
    matches!(error.downcast_ref(), Some(WalletError::Refused { code, .. }) if *code == wanted)
}

/// Accounts as people see them.
pub(super) fn short(account: Address) -> String {
    let text = account.to_string();
    format!("{}…{}", &text[..6], &text[text.len() - 4..])
}
