//! Events that arrive once each, held against what the node itself says about the whole chain at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::B256;
use medrec_chain::{
    ChainError, Contract, ContractEvent, Event, Follower, FollowerOptions, Position, PositionFile, Request,
    State, Update,
};
use medrec_contracts::{Consents, Registrar};
use serde_json::{Value, json};

use crate::network::{Network, settle, terms};

/// A consumer that keeps effects and position together, as a database transaction would.
struct Ledger {
    follower: Follower,
    stored: Position,
    /// The effects: events by block number and log index.
    events: BTreeMap<(u64, u64), Event>,
    roll_backs: usize,
}

impl Ledger {
    fn new(network: &Network, position: Position, options: FollowerOptions) -> Self {
        let follower = Follower::new(network.client.clone(), network.contracts, position.clone(), options);
        Self { follower, stored: position, events: BTreeMap::new(), roll_backs: 0 }
    }

    /// Takes every step there is.
    async fn catch_up(&mut self) {
        while let Some(step) = self.follower.step().await.unwrap() {
            match step.update {
                Update::Advanced { events } => {
                    for event in events {
                        let place = (event.block.number, event.log_index);
                        let twice = self.events.insert(place, event);
                        assert!(twice.is_none(), "delivered twice: {twice:?}");
                    }
                }
                Update::RolledBack { to } => {
                    self.events.retain(|(number, _), _| *number <= to.number);
                    self.roll_backs += 1;
                }
            }
            self.stored = step.position;
        }
    }

    /// The process dies; the next one starts from what is stored.
    fn restart(&mut self, network: &Network, options: FollowerOptions) {
        // Through its written form, as a real restart would.
        let written = serde_json::to_string(&self.stored).unwrap();
        let position = serde_json::from_str(&written).unwrap();
        self.follower = Follower::new(network.client.clone(), network.contracts, position, options);
    }

    fn ids(&self) -> Vec<(B256, u64)> {
        self.events.values().map(Event::id).collect()
    }
}

fn at_once() -> FollowerOptions {
    FollowerOptions {
        confirmations: 0,
        poll_interval: Duration::from_millis(20),
        ..FollowerOptions::default()
    }
}

async fn start(network: &Network, number: u64) -> Position {
    Position::before(&network.client.view().await.unwrap(), number).await.unwrap()
}

/// Block hash and log index of every log of the contracts from a block on, as the node tells them at once.
async fn truth(network: &Network, from: u64) -> Vec<(B256, u64)> {
    let addresses = Contract::ALL.map(|contract| network.contracts.address(contract));
    let filter = json!([{ "fromBlock": format!("{from:#x}"), "toBlock": "latest", "address": addresses }]);
    let logs = network.anvil.call("eth_getLogs", filter).await;
    let id = |log: &Value| {
        let index = log["logIndex"].as_str().unwrap().trim_start_matches("0x");
        (log["blockHash"].as_str().unwrap().parse().unwrap(), u64::from_str_radix(index, 16).unwrap())
    };
    logs.as_array().unwrap().iter().map(id).collect()
}

/// Posts a grant without waiting for anything.
async fn grant(network: &Network, document: u8) {
    let act = network.contracts.act(&Consents::grantCall { terms: terms(document) });
    network.provider.send(Request::from(act).with_gas_limit(200_000)).await.unwrap();
}

#[tokio::test]
async fn every_event_since_the_first_block_is_delivered_typed_and_in_order() {
    let network = Network::deploy().await;
    let position = start(&network, 1).await;
    let mut ledger = Ledger::new(&network, position, at_once());
    network.execute(network.contracts.act(&Consents::grantCall { terms: terms(1) })).await;
    ledger.catch_up().await;
    assert_eq!(ledger.ids(), truth(&network, 1).await);
    let whats: Vec<_> = ledger.events.values().map(|event| &event.what).collect();
    let hospital = network.provider.account();
    assert!(
        matches!(whats[0], ContractEvent::Registrar(Registrar::RegistrarEvents::Registered(event)) if event.account == hospital),
        "{whats:?}"
    );
    assert!(
        matches!(whats.last().unwrap(), ContractEvent::Consents(Consents::ConsentsEvents::Granted(event)) if event.terms == terms(1)),
        "{whats:?}"
    );
    let event = ledger.events.values().last().unwrap();
    let view = network.client.view().await.unwrap();
    assert_eq!((event.block, event.timestamp_s), (view.head().block, view.head().timestamp_s));
    assert_eq!(ledger.follower.step().await.unwrap(), None);
}

#[tokio::test]
async fn events_come_exactly_once_through_random_reorganisations_and_restarts() {
    let network = Network::deploy().await;
    network.anvil.mine(8).await;
    network.anvil.call("evm_setAutomine", json!([false])).await;
    for options in [at_once(), FollowerOptions { batch_events: 1, batch_blocks: 2, ..at_once() }] {
        let first = network.anvil.height().await + 1;
        let mut ledger = Ledger::new(&network, start(&network, first).await, options.clone());
        // A fixed sequence of choices: xorshift, so that a failure is the same one again.
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..40_u8 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            match random % 5 {
                0 | 1 => {
                    grant(&network, round).await;
                    grant(&network, round.wrapping_add(100)).await;
                    network.anvil.mine(1 + random / 5 % 2).await;
                }
                2 => network.anvil.mine(1).await,
                3 => network.anvil.reorg(1 + random / 5 % 4).await,
                _ => ledger.restart(&network, options.clone()),
            }
            if !(random / 64).is_multiple_of(3) {
                ledger.catch_up().await;
            }
            network.provider.pass().await.unwrap();
        }
        // anvil drops the transactions of replaced blocks; the outbox brings them back.
        network.anvil.mine(1).await;
        network.provider.pass().await.unwrap();
        network.anvil.mine(1).await;
        ledger.catch_up().await;
        assert_eq!(ledger.ids(), truth(&network, first).await);
        assert!(
            ledger.roll_backs > 0 && ledger.events.len() > 10,
            "{} {}",
            ledger.roll_backs,
            ledger.events.len()
        );
    }
}

#[tokio::test]
async fn a_reorganisation_above_the_chosen_depth_is_never_seen() {
    let network = Network::deploy().await;
    let options = FollowerOptions { confirmations: 3, ..at_once() };
    let first = network.anvil.height().await + 1;
    let mut ledger = Ledger::new(&network, start(&network, first).await, options);
    network.anvil.call("evm_setAutomine", json!([false])).await;
    grant(&network, 1).await;
    network.anvil.mine(3).await;
    ledger.catch_up().await;
    assert!(ledger.events.is_empty(), "two blocks on top are not three");
    network.anvil.reorg(3).await;
    network.provider.pass().await.unwrap();
    network.anvil.mine(4).await;
    ledger.catch_up().await;
    assert_eq!((ledger.events.len(), ledger.roll_backs), (1, 0));
    network.anvil.reorg(2).await;
    network.anvil.mine(2).await;
    ledger.catch_up().await;
    assert_eq!((ledger.ids(), ledger.roll_backs), (truth(&network, first).await, 0));
}

#[tokio::test]
async fn a_chain_replaced_below_everything_that_is_remembered_is_an_error_and_no_guess() {
    let network = Network::deploy().await;
    network.anvil.mine(80).await;
    let mut ledger = Ledger::new(&network, start(&network, 1).await, at_once());
    ledger.catch_up().await;
    let stored = ledger.stored.clone();
    network.anvil.reorg(70).await;
    let error = ledger.follower.step().await.unwrap_err();
    assert!(matches!(error, ChainError::ReorgTooDeep { .. }), "{error}");
    assert_eq!(ledger.follower.position(), &stored);
    // From further back it can be followed again.
    let mut again = Ledger::new(&network, start(&network, 1).await, at_once());
    again.catch_up().await;
    assert_eq!(again.ids(), truth(&network, 1).await);
}

#[tokio::test]
async fn a_follower_that_waits_gets_what_comes_and_its_file_remembers() {
    let network = Network::deploy().await;
    let folder = tempfile::tempdir().unwrap();
    let file = PositionFile::new(&folder.path().join("position.json"));
    let first = network.anvil.height().await + 1;
    let position = start(&network, first).await;
    let mut follower = Follower::new(network.client.clone(), network.contracts, position, at_once());
    let waiting = tokio::spawn(async move {
        loop {
            let step = follower.next().await.unwrap();
            file.store(&step.position).unwrap();
            match step.update {
                Update::Advanced { events } if events.is_empty() => {}
                update => return (update, step.position, file),
            }
        }
    });
    let grant = network.contracts.act(&Consents::grantCall { terms: terms(4) });
    let nonce = network.provider.send(grant).await.unwrap();
    let State::Confirmed(inclusion) = settle(&network.provider, nonce).await else { panic!() };
    let delivered = tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap().unwrap();
    let (update, position, file) = delivered;
    let Update::Advanced { events } = update else { panic!("{update:?}") };
    assert_eq!((events.len(), events[0].block), (1, inclusion.block));
    assert_eq!(events[0].transaction, inclusion.transaction);
    assert_eq!(file.load().unwrap(), Some(position));
}

#[tokio::test]
async fn block_zero_is_refused_as_a_start() {
    let network = Network::deploy().await;
    let view = network.client.view().await.unwrap();
    let error = Position::before(&view, 0).await.unwrap_err();
    assert!(matches!(error, ChainError::Config { .. }), "{error}");
}
