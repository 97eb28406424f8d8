//! Typed calls and signed acts against the real contracts.

use alloy_primitives::{Address, B256, keccak256};
use medrec_chain::acts::{bounties, consents, registrar, relationships};
use medrec_chain::{ChainError, Contract, Contracts, Progress, Refusal, Role, SignedAct, Status};
use medrec_contracts::{Bounties, Consents, Registrar, Relationships, Releases, hashes};
use serde_json::json;

use crate::network::{Network, funded, in_an_hour_s, person, terms};

#[tokio::test]
async fn contracts_are_deployed_once_and_an_address_that_is_none_of_theirs_is_found() {
    let network = Network::deploy().await;
    let again = network.provider.deploy("contracts", Vec::new()).await.unwrap();
    assert_eq!(again, network.contracts);
    let view = network.client.view().await.unwrap();
    let reader = network.contracts.at(&view);
    reader.verify().await.unwrap();
    assert_eq!(reader.providers().await.unwrap(), [network.provider.account()]);
    assert_eq!(reader.role_of(network.provider.account()).await.unwrap(), Role::Provider);
    assert_eq!(reader.institution(network.provider.account()).await.unwrap().name, "hospital");

    let nowhere = Contracts { registrar: Address::repeat_byte(7), ..network.contracts };
    let error = nowhere.at(&view).verify().await.unwrap_err();
    assert!(matches!(&error, ChainError::NoContract { why, .. } if why.contains("no contract")), "{error}");
    let swapped = Contracts { bounties: network.contracts.releases, ..network.contracts };
    let error = swapped.at(&view).verify().await.unwrap_err();
    assert!(matches!(error, ChainError::NoContract { .. } | ChainError::Refused { .. }), "{error}");
}

#[tokio::test]
async fn a_permission_check_is_made_at_one_block_and_a_revocation_shows_at_the_next() {
    let network = Network::deploy().await;
    let provider = network.provider.account();
    let patient = person("patient");
    let identity_commitment = keccak256("salted identity");
    network.relay(&relationships::Onboard { provider, identity_commitment }, &patient).await;
    let (granted, other) = (terms(1), terms(2));
    network.relay(&consents::Grant { patient: patient.address(), terms: granted }, &patient).await;

    let before = network.client.view().await.unwrap();
    network.relay(&consents::Revoke { patient: patient.address(), terms: granted }, &patient).await;
    let after = network.client.view().await.unwrap();
    let (old, new) = (network.contracts.at(&before), network.contracts.at(&after));
    assert_eq!(old.status_of(patient.address(), provider).await.unwrap(), Status::Accepted);
    assert_eq!(old.are_in_force(patient.address(), &[granted, other]).await.unwrap(), [true, false]);
    assert!(old.is_in_force(patient.address(), granted).await.unwrap());
    assert!(!new.is_in_force(patient.address(), granted).await.unwrap());

    // A view of a block that was replaced answers nothing at all.
    network.anvil.reorg(1).await;
    let error = new.is_in_force(patient.address(), granted).await.unwrap_err();
    assert!(matches!(error, ChainError::BlockGone { block } if block == after.head().block), "{error}");
    assert!(old.is_in_force(patient.address(), granted).await.unwrap());
}

#[tokio::test]
async fn a_refusal_is_a_type_with_arguments_before_anything_is_sent() {
    let network = Network::deploy().await;
    let terms = terms(3);
    let error = network.provider.send(network.contracts.act(&Consents::revokeCall { terms })).await;
    let patient = network.provider.account();
    match error.unwrap_err() {
        ChainError::Refused { what, refusal } => {
            let expected = Consents::NothingToRevoke { patient, terms };
            assert_eq!(what, "Consents.revoke(bytes32)");
            assert_eq!(*refusal, Refusal::Consents(Consents::ConsentsErrors::NothingToRevoke(expected)));
        }
        other => panic!("{other}"),
    }
    assert!(network.provider.outstanding().is_empty());
}

#[tokio::test]
async fn patients_without_ether_do_everything_by_signature() {
    let network = Network::deploy().await;
    let provider = network.provider.account();
    let (patient, guardian, second) = (person("patient"), person("guardian"), person("second party"));
    let identity_commitment = keccak256("salted identity");

    network.relay(&registrar::Register { role: Role::Patient, identity_commitment }, &patient).await;
    network.relay(&registrar::Register { role: Role::Guardian, identity_commitment }, &guardian).await;
    let account = patient.address();
    network.relay(&registrar::EraseIdentity { account, identity_commitment }, &patient).await;

    let (patient_account, propose) = (account, Relationships::proposeCall { patient: account });
    network.relay(&relationships::Request { patient: account, provider }, &patient).await;
    network.relay(&relationships::End { patient: account, provider }, &patient).await;
    network.execute(network.contracts.act(&propose)).await;
    network.relay(&relationships::Reject { patient: account, provider }, &patient).await;
    network.execute(network.contracts.act(&propose)).await;
    network.relay(&relationships::Accept { patient: account, provider }, &patient).await;
    let update = Relationships::updateCall {
        patient: account,
        recordsRoot: keccak256("root"),
        queryHash: keccak256("query"),
        costNanoRho: 5,
    };
    network.execute(network.contracts.act(&update)).await;
    network.relay(&relationships::Acknowledge { patient: account, provider }, &patient).await;

    let expiry_s = u32::try_from(in_an_hour_s()).unwrap();
    network.relay(&consents::GrantMany { terms: vec![terms(1), terms(2)] }, &patient).await;
    let appoint = consents::Appoint { guardian: guardian.address(), powers: 15, start_s: 0, expiry_s };
    network.relay(&appoint, &patient).await;
    network.relay(&consents::Revoke { patient: account, terms: terms(1) }, &guardian).await;
    let purpose = keccak256("research-aggregate");
    let release = consents::ReleaseToResearch {
        patient: account,
        purpose,
        scope_commitment: keccak256("scope"),
        start_s: 0,
        expiry_s,
        yearly_cap_nano_rho: 7,
    };
    network.relay(&release, &guardian).await;
    let view = network.client.view().await.unwrap();
    let reader = network.contracts.at(&view);
    assert_eq!(reader.research_of(patient_account, purpose).await.unwrap().unwrap().yearlyCapNanoRho, 7);
    assert!(reader.may_act(account, guardian.address(), 2).await.unwrap());
    network.relay(&consents::WithdrawFromResearch { patient: account, purpose }, &patient).await;
    network.relay(&consents::Dismiss { patient: account, guardian: guardian.address() }, &guardian).await;

    network.relay(&consents::RequireCosigner { cosigner: second.address() }, &patient).await;
    let view = network.client.view().await.unwrap();
    assert!(!network.contracts.at(&view).is_in_force(account, terms(2)).await.unwrap());
    network.relay(&consents::Cosign { patient: account, item: terms(2), agreed: true }, &second).await;
    let view = network.client.view().await.unwrap();
    assert!(network.contracts.at(&view).is_in_force(account, terms(2)).await.unwrap());
    release_second_party(&network, &patient, &second).await;

    let salt = B256::repeat_byte(9);
    network.relay(&consents::FoundGroup { owner: account, salt }, &patient).await;
    let view = network.client.view().await.unwrap();
    let reader = network.contracts.at(&view);
    let group = reader.ask(&Consents::groupNameCall { owner: account, salt }).await.unwrap();
    let member = guardian.address();
    network.relay(&consents::SetMember { owner: account, group, member, admitted: true }, &patient).await;
    let view = network.client.view().await.unwrap();
    assert!(network.contracts.at(&view).is_member(group, member).await.unwrap());
}

/// A change that takes two signatures.
async fn release_second_party(
    network: &Network,
    patient: &alloy_signer_local::PrivateKeySigner,
    second: &alloy_signer_local::PrivateKeySigner,
) {
    let change =
        consents::CosignerChange { patient: patient.address(), from: second.address(), to: Address::ZERO };
    let mut permits = Vec::new();
    for signer in [patient, second] {
        let nonce = network.nonce(Contract::Consents, signer).await;
        let permit = network.contracts.authorise(&change, signer, nonce, in_an_hour_s()).await.unwrap();
        permits.push(Consents::Permit::from(&permit));
    }
    let (of_second, of_patient) = (permits.pop().unwrap(), permits.pop().unwrap());
    let call = Consents::changeCosignerCall { next: change.to, ofPatient: of_patient, ofCosigner: of_second };
    network.execute(network.contracts.act(&call)).await;
}

#[tokio::test]
async fn keys_rotate_and_are_recovered_by_signature() {
    let network = Network::deploy().await;
    let (patient, guardian) = (person("patient"), person("guardian"));
    let (next, recovered) = (person("next key"), person("recovered key"));
    let identity_commitment = keccak256("salted identity");
    network.relay(&registrar::Register { role: Role::Patient, identity_commitment }, &patient).await;
    let account = patient.address();

    let rotation = registrar::KeyRotation { account, new_key: next.address() };
    let old_nonce = network.nonce(Contract::Registrar, &patient).await;
    let new_nonce = network.nonce(Contract::Registrar, &next).await;
    let of_old = network.contracts.authorise(&rotation, &patient, old_nonce, in_an_hour_s()).await.unwrap();
    let acceptance = registrar::KeyAcceptance { account };
    let of_new = network.contracts.authorise(&acceptance, &next, new_nonce, in_an_hour_s()).await.unwrap();
    let call = Registrar::rotateKeyBySigCall { ofOldKey: (&of_old).into(), ofNewKey: (&of_new).into() };
    network.execute(network.contracts.act(&call)).await;
    let view = network.client.view().await.unwrap();
    let reader = network.contracts.at(&view);
    assert_eq!(reader.key_of(account).await.unwrap(), Some(next.address()));
    assert_eq!(reader.account_of(next.address()).await.unwrap(), Some(account));
    assert_eq!(reader.account_of(patient.address()).await.unwrap(), None);

    let guardians = vec![guardian.address()];
    network.relay(&registrar::SetGuardians { account, guardians, threshold: 1 }, &next).await;
    let round = round_of(&network, account).await;
    let new_key = recovered.address();
    network.relay(&registrar::SupportRecovery { account, new_key, round }, &guardian).await;
    let finish = signed(&network, &registrar::KeyAcceptance { account }, &recovered).await;
    let error = network.provider.send(finish).await.unwrap_err();
    assert!(error.to_string().contains("RecoveryNotReady"), "{error}");
    let round = round_of(&network, account).await;
    network.relay(&registrar::CancelRecovery { account, round }, &next).await;
    assert_eq!(round_of(&network, account).await, round + 1);
}

async fn round_of(network: &Network, account: Address) -> u64 {
    let view = network.client.view().await.unwrap();
    network.contracts.at(&view).ask(&Registrar::guardiansOfCall { account }).await.unwrap().round
}

async fn signed<A: SignedAct>(
    network: &Network,
    act: &A,
    signer: &alloy_signer_local::PrivateKeySigner,
) -> medrec_chain::Act {
    let nonce = network.nonce(A::CONTRACT, signer).await;
    let authorisation = network.contracts.authorise(act, signer, nonce, in_an_hour_s()).await.unwrap();
    network.contracts.relay(act, &authorisation)
}

#[tokio::test]
async fn a_bounty_belongs_to_the_coinbase_and_its_owner_collects_by_signature() {
    let network = Network::deploy().await;
    let (miner, provider) = (person("miner"), network.provider.account());
    network.anvil.call("anvil_setCoinbase", json!([miner.address()])).await;
    let (root, query) = (keccak256("root"), keccak256("query"));
    let post = Relationships::updateBatchCall { recordsRoot: root, queryHash: query, costNanoRho: 4 };
    network.execute(network.contracts.act(&post)).await;
    let posting = Relationships::Update {
        provider,
        patient: Address::ZERO,
        recordsRoot: root,
        queryHash: query,
        costNanoRho: 4,
    };
    let bounty = hashes::bounty_id(&posting);
    let view = network.client.view().await.unwrap();
    let owned = network.contracts.at(&view).ownership(bounty).await.unwrap().unwrap();
    assert_eq!((owned.owner, owned.confirmations, owned.is_valid), (miner.address(), 0, false));
    assert_eq!(network.contracts.at(&view).ownership(B256::ZERO).await.unwrap(), None);

    let early = signed(&network, &bounties::Claim { posting: posting.clone() }, &miner).await;
    let error = network.provider.send(early).await.unwrap_err();
    assert!(error.to_string().contains("Unconfirmed"), "{error}");
    network.anvil.mine(12).await;
    network.relay(&bounties::Claim { posting: posting.clone() }, &miner).await;
    let late = signed(&network, &bounties::DeclareNonDelivery { posting: posting.clone() }, &miner).await;
    let error = network.provider.send(late).await.unwrap_err();
    assert!(error.to_string().contains("TooEarly"), "{error}");

    let bundle_hash = keccak256("bundle");
    let answered = Bounties::Update {
        provider,
        patient: Address::ZERO,
        recordsRoot: root,
        queryHash: query,
        costNanoRho: 4,
    };
    let answer = Bounties::answerCall { posting: answered, bundleHash: bundle_hash };
    network.execute(network.contracts.act(&answer)).await;
    network.relay(&bounties::Confirm { posting, bundle_hash }, &miner).await;
    let view = network.client.view().await.unwrap();
    let reader = network.contracts.at(&view);
    assert_eq!(reader.claim_of(bounty).await.unwrap(), (Progress::Received, Some(bundle_hash)));
    assert!(reader.ownership(bounty).await.unwrap().unwrap().is_valid);
}

#[tokio::test]
async fn a_release_and_an_audit_head_are_committed_and_read_back() {
    let network = Network::deploy().await;
    let provider = network.provider.account();
    let (root, consent_root) = (keccak256("shards"), keccak256("consents"));
    network.execute(network.contracts.act(&Releases::declareCapCall { capNanoRho: 100 })).await;
    let commit =
        Releases::commitCall { epoch: 3, root, consentRoot: consent_root, shards: 8, costNanoRho: 40 };
    network.execute(network.contracts.act(&commit)).await;
    let anchor = Releases::anchorAuditHeadCall { head: keccak256("log"), entries: 11 };
    network.execute(network.contracts.act(&anchor)).await;
    let view = network.client.view().await.unwrap();
    let reader = network.contracts.at(&view);
    let release = reader.release_of(provider, 3).await.unwrap().unwrap();
    assert_eq!((release.root, release.consentRoot, release.shards), (root, consent_root, 8));
    assert_eq!(reader.release_of(provider, 4).await.unwrap(), None);
    let budget = reader.budget_of(provider).await.unwrap();
    assert_eq!((budget.capNanoRho, budget.spentNanoRho), (100, 40));
    assert_eq!(reader.audit_head_of(provider).await.unwrap(), (keccak256("log"), 11));

    let stranger = funded(5);
    let path = network.folder.path().join("stranger.redb");
    let stranger = crate::network::sender(&network.client, stranger, &path, crate::network::quick());
    let error = stranger.send(network.contracts.act(&anchor)).await.unwrap_err();
    assert!(
        error.to_string().contains("NotAParticipant") || error.to_string().contains("NotAProvider"),
        "{error}"
    );
}
