//! The client and our own node: contracts, signed acts, a bounty, events, and a node that is stopped in between.

use std::net::SocketAddr;
use std::time::Duration;

use alloy_primitives::{Address, FixedBytes, keccak256};
use medrec_chain::acts::{bounties, consents, relationships};
use medrec_chain::{
    ChainError, ContractEvent, Follower, FollowerOptions, NodeState, Position, Progress, Request, State,
    Status, Update,
};
use medrec_contracts::{Consents, Relationships, hashes};
use medrec_e2e::{RunningNode, funded, outbox, person};

use crate::network::{Network, in_an_hour_s};

#[tokio::test(flavor = "multi_thread")]
async fn a_relationship_a_grant_and_a_bounty_run_from_signature_to_receipt_on_our_own_node() {
    let network = Network::start().await;
    let provider = network.provider.account();
    let patient = person("patient");
    let onboard = relationships::Onboard { provider, identity_commitment: keccak256("salted identity") };
    network.relay(&onboard, &patient).await;
    let terms = hashes::terms(FixedBytes::repeat_byte(1), 0, u32::try_from(in_an_hour_s()).unwrap());
    network.relay(&consents::Grant { patient: patient.address(), terms }, &patient).await;
    let view = network.client.view().await.unwrap();
    let reader = network.contracts.at(&view);
    assert_eq!(reader.status_of(patient.address(), provider).await.unwrap(), Status::Accepted);
    assert!(reader.is_in_force(patient.address(), terms).await.unwrap());
    network.relay(&consents::Revoke { patient: patient.address(), terms }, &patient).await;
    let view = network.client.view().await.unwrap();
    assert!(!network.contracts.at(&view).is_in_force(patient.address(), terms).await.unwrap());

    let (root, query) = (keccak256("records"), keccak256("query"));
    let update = Relationships::updateCall {
        patient: patient.address(),
        recordsRoot: root,
        queryHash: query,
        costNanoRho: 1_000,
    };
    network.execute(network.contracts.act(&update)).await;
    let posting = Relationships::Update {
        provider,
        patient: patient.address(),
        recordsRoot: root,
        queryHash: query,
        costNanoRho: 1_000,
    };
    let bounty = hashes::bounty_id(&posting);
    network.confirmations(12).await;
    let view = network.client.view().await.unwrap();
    let owned = network.contracts.at(&view).ownership(bounty).await.unwrap().unwrap();
    assert!(owned.is_valid && owned.owner == network.miner.address(), "{owned:?}");
    assert_eq!(view.at(owned.block_number).await.unwrap().head().coinbase, network.miner.address());
    let nonce = network.owner_nonce().await;
    network.relay(&bounties::Claim { posting }, &network.miner).await;
    assert_eq!(network.owner_nonce().await, nonce + alloy_primitives::U256::from(1));
    let view = network.client.view().await.unwrap();
    assert_eq!(network.contracts.at(&view).claim_of(bounty).await.unwrap(), (Progress::Claimed, None));
    network.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_and_a_follower_go_on_where_a_stopped_node_and_process_left_them() {
    let network = Network::start().await;
    let view = network.client.view().await.unwrap();
    let position = Position::before(&view, 1).await.unwrap();
    let options = FollowerOptions {
        confirmations: 1,
        poll_interval: Duration::from_millis(50),
        ..FollowerOptions::default()
    };
    let mut follower = Follower::new(network.client.clone(), network.contracts, position, options.clone());
    let mut events = Vec::new();
    while let Some(step) = follower.step().await.unwrap() {
        if let Update::Advanced { events: new } = step.update {
            events.extend(new);
        }
    }
    let position = follower.position().clone();
    let before = events.len();
    assert!(before >= 3, "{events:?}");

    // The act is accepted, then the node stops and our process with it.
    let terms = hashes::terms(FixedBytes::repeat_byte(2), 0, u32::try_from(in_an_hour_s()).unwrap());
    let grant = network.contracts.act(&Consents::grantCall { terms });
    let nonce = network.provider.send(Request::from(grant.clone()).with_key("grant")).await.unwrap();
    let Network { node, client, contracts, provider, folder, miner } = network;
    let address: SocketAddr = node.url.strip_prefix("http://").unwrap().parse().unwrap();
    node.stop().await;
    let health = client.health().await;
    assert!(matches!(health.state(), Some(NodeState::Down { .. })), "{health}");
    let refused = provider.send(Request::from(grant.clone()).with_key("other")).await;
    assert!(matches!(refused, Err(ChainError::Unavailable { .. })), "nothing is accepted on a guess");
    drop(provider);

    let node = RunningNode::sealing(folder.path().join("chain"), miner.address(), Some(address)).await;
    let view = client.wait_until_ready(Duration::from_mins(1)).await.unwrap();
    assert_eq!(view.url(), node.url);
    let provider = outbox(&client, funded(0), &folder.path().join("provider.redb"));
    assert_eq!(provider.send(Request::from(grant).with_key("grant")).await.unwrap(), nonce);
    assert!(matches!(provider.wait(nonce).await.unwrap(), State::Confirmed(_)));
    let mut follower = Follower::new(client.clone(), contracts, position, options);
    let granted = loop {
        let step = tokio::time::timeout(Duration::from_mins(1), follower.next()).await.unwrap().unwrap();
        let Update::Advanced { events } = step.update else { panic!("{step:?}") };
        if !events.is_empty() {
            break events;
        }
    };
    assert_eq!(granted.len(), 1, "{granted:?}");
    let ContractEvent::Consents(Consents::ConsentsEvents::Granted(event)) = &granted[0].what else {
        panic!("{granted:?}")
    };
    assert_eq!((event.patient, event.terms), (provider.account(), terms));
    assert_ne!(event.patient, Address::ZERO);
    node.stop().await;
}
