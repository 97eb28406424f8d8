//! The provider changes its key, and its gatekeeper goes on under the new one.

use alloy_primitives::{U256, hex};
use medrec_chain::acts::consents::Grant;
use medrec_chain::acts::registrar::KeyAcceptance;
use medrec_chain::{Contract, Request, Sender};
use medrec_contracts::Registrar;
use medrec_domain::Purpose;
use medrec_domain::schema::Table;
use medrec_e2e::{funded, sender_options};
use medrec_protocol::RefusalCode;
use medrec_protocol::methods::acts::{Relay, RelayBody, State, StateBody};
use medrec_protocol::methods::provider::{Invite, InviteBody};

use crate::clinic::{Clinic, Wish, newcomer};

#[tokio::test(flavor = "multi_thread")]
async fn a_gatekeeper_goes_on_under_the_providers_new_key_and_loses_nothing_of_the_old_one() {
    let mut clinic = Clinic::open().await;
    let patient = clinic.patient(0).await;
    let doctor = clinic.enter("doctor").await;
    // Accepted under the old key, and in no block yet.
    let given = clinic.document(&patient, Wish::all_to(&doctor));
    let grant = Grant { patient: patient.key.address(), terms: given.terms };
    let call = clinic.ground.signed(&grant, &patient.key).await;
    let body = RelayBody { contract: "Consents".to_owned(), calldata: hex::encode_prefixed(&call.data) };
    let carried = clinic.desk.ask::<Relay>(&patient.key, body).await.key;
    clinic.stop().await;
    let (old, new) = (clinic.staff.clone(), funded(3));
    rotate(&clinic, &new).await;
    clinic.staff = new.clone();
    let mut options = clinic.options();
    (options.provider, options.signer, options.earlier_keys) =
        (old.address(), new.clone(), vec![old.clone()]);
    clinic.start_with(options).await;
    let invitation = InviteBody { account: newcomer(5).account };
    assert_eq!(clinic.desk.refused::<Invite>(&old, invitation.clone()).await, RefusalCode::NotAllowed);
    clinic.desk.ask::<Invite>(&new, invitation).await;
    // What the old key sent is looked after, and found.
    clinic.included(&clinic.desk, &patient.key, carried).await;
    // What comes now is sent by the new key: a patient who is onboarded, which only the provider can send.
    let second = clinic.patient(1).await;
    clinic.read(&new, &second, Purpose::Treatment, Table::Condition).await;
    let state = clinic.desk.ask::<State>(&patient.key, StateBody { key: carried }).await;
    assert!(format!("{state:?}").contains("block"), "{state:?}");
}

/// Has the new key take over the provider's account.
async fn rotate(clinic: &Clinic, new: &alloy_signer_local::PrivateKeySigner) {
    let contracts = clinic.ground.contracts;
    let account = clinic.staff.address();
    let view = clinic.ground.view().await;
    assert_eq!(contracts.at(&view).nonce(Contract::Registrar, new.address()).await.unwrap(), U256::ZERO);
    let deadline_s = clinic.ground.time_s() + 86_400;
    let accepted =
        contracts.authorise(&KeyAcceptance { account }, new, U256::ZERO, deadline_s).await.unwrap();
    let outbox = clinic.ground.folder.path().join("rotation.redb");
    let key = std::sync::Arc::new(clinic.staff.clone());
    let sender = Sender::open(clinic.ground.client.clone(), key, &outbox, sender_options()).unwrap();
    let act = contracts.act(&Registrar::rotateKeyCall { ofNewKey: (&accepted).into() });
    sender.send(Request::from(act)).await.unwrap();
    for _ in 0..60 {
        clinic.ground.mine();
        sender.pass().await.unwrap();
        if sender.outstanding().is_empty() {
            break;
        }
    }
    let view = clinic.ground.view().await;
    assert_eq!(contracts.at(&view).key_of(account).await.unwrap(), Some(new.address()));
}
