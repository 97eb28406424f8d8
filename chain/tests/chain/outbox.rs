//! Transactions that are executed once: through restarts, forgetful pools, re-organisations, rising fees and rivals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, TxKind, U256, hex};
use alloy_signer::SignerSync as _;
use medrec_chain::{
    Act, ChainError, Client, FeePolicy, Refusal, Request, Sender, SenderOptions, State, Wait,
};
use medrec_contracts::Consents;
use serde_json::json;
use tempfile::TempDir;

use crate::anvil::{Anvil, CHAIN_ID};
use crate::network::{Network, funded, person, quick, sender, settle, terms};

/// A node that makes blocks when told to, and the outbox of account 1 on it.
struct Desk {
    anvil: Anvil,
    client: Client,
    folder: TempDir,
}

impl Desk {
    async fn new() -> Self {
        let anvil = Anvil::manual();
        let client = Client::connect(anvil.options()).await.unwrap();
        Self { anvil, client, folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self, options: SenderOptions) -> Sender {
        sender(&self.client, funded(1), &self.folder.path().join("outbox.redb"), options)
    }

    async fn balance(&self, account: Address) -> U256 {
        self.client.view().await.unwrap().balance(account).await.unwrap()
    }

    async fn forget(&self, entry: &medrec_chain::Entry) {
        for attempt in &entry.attempts {
            self.anvil.call("anvil_dropTransaction", json!([attempt.hash])).await;
        }
    }
}

/// A payment to somebody who was never paid before, so that a second execution shows.
fn gift() -> (Address, Act) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let receiver = person(&format!("receiver {}", COUNT.fetch_add(1, Ordering::Relaxed))).address();
    (receiver, Act::transfer(receiver, U256::from(7)))
}

#[tokio::test]
async fn what_was_accepted_is_sent_again_after_a_restart_and_executed_once() {
    let desk = Desk::new().await;
    let outbox = desk.open(quick());
    let (receiver, act) = gift();
    let nonce = outbox.send(Request::from(act.clone()).with_key("gift")).await.unwrap();
    assert_eq!(outbox.entry(nonce).unwrap().state, State::Waiting(Wait::Pooled));
    desk.forget(&outbox.entry(nonce).unwrap()).await;
    drop(outbox);

    let outbox = desk.open(quick());
    assert_eq!(outbox.outstanding().len(), 1);
    outbox.pass().await.unwrap();
    // A caller that does not know whether it was accepted asks again and gets the same one.
    assert_eq!(outbox.send(Request::from(act).with_key("gift")).await.unwrap(), nonce);
    desk.anvil.mine(1).await;
    assert!(matches!(settle(&outbox, nonce).await, State::Confirmed(_)));
    desk.anvil.mine(3).await;
    assert_eq!(desk.balance(receiver).await, U256::from(7));
    let other = Request::from(gift().1).with_key("gift");
    assert!(matches!(outbox.send(other).await, Err(ChainError::KeyReused { key }) if key == "gift"));
}

#[tokio::test]
async fn a_transaction_that_waits_too_long_is_replaced_by_one_that_offers_more() {
    let desk = Desk::new().await;
    let outbox = desk.open(SenderOptions { replace_after: Duration::ZERO, ..quick() });
    let (receiver, act) = gift();
    let nonce = outbox.send(act).await.unwrap();
    outbox.pass().await.unwrap();
    outbox.pass().await.unwrap();
    let entry = outbox.entry(nonce).unwrap();
    assert_eq!(entry.attempts.len(), 3);
    for pair in entry.attempts.windows(2) {
        let (old, new) = (pair[0].fees, pair[1].fees);
        assert!(u128::from(new.max_fee_per_gas) * 10 >= u128::from(old.max_fee_per_gas) * 11);
        assert!(
            u128::from(new.max_priority_fee_per_gas) * 10 >= u128::from(old.max_priority_fee_per_gas) * 11
        );
    }
    assert_eq!(entry.state, State::Waiting(Wait::Pooled));
    desk.anvil.mine(1).await;
    match settle(&outbox, nonce).await {
        State::Confirmed(inclusion) => assert_eq!(inclusion.transaction, entry.attempts[2].hash),
        other => panic!("{other:?}"),
    }
    desk.anvil.mine(2).await;
    assert_eq!(desk.balance(receiver).await, U256::from(7));
}

#[tokio::test]
async fn an_earlier_form_that_a_block_took_counts_as_the_transaction() {
    let desk = Desk::new().await;
    let outbox = desk.open(SenderOptions { replace_after: Duration::ZERO, ..quick() });
    let (receiver, act) = gift();
    let nonce = outbox.send(act).await.unwrap();
    outbox.pass().await.unwrap();
    let attempts = outbox.entry(nonce).unwrap().attempts;
    assert_eq!(attempts.len(), 2);
    // The miner heard of the first form only.
    desk.anvil.call("anvil_dropTransaction", json!([attempts[1].hash])).await;
    desk.anvil.call("eth_sendRawTransaction", json!([attempts[0].raw])).await;
    desk.anvil.mine(1).await;
    match settle(&outbox, nonce).await {
        State::Confirmed(inclusion) => assert_eq!(inclusion.transaction, attempts[0].hash),
        other => panic!("{other:?}"),
    }
    desk.anvil.mine(2).await;
    assert_eq!(desk.balance(receiver).await, U256::from(7));
}

#[tokio::test]
async fn a_transaction_whose_block_was_replaced_is_sent_again_and_executed_once() {
    let desk = Desk::new().await;
    let outbox = desk.open(SenderOptions { confirmations: 3, ..quick() });
    let (receiver, act) = gift();
    let nonce = outbox.send(act).await.unwrap();
    desk.anvil.mine(2).await;
    outbox.pass().await.unwrap();
    let state = outbox.entry(nonce).unwrap().state;
    assert!(matches!(state, State::Included { confirmations: 1, .. }), "{state:?}");

    desk.anvil.reorg(2).await;
    assert_eq!(desk.balance(receiver).await, U256::ZERO);
    outbox.pass().await.unwrap();
    let state = outbox.entry(nonce).unwrap().state;
    assert_eq!(state, State::Waiting(Wait::Pooled));
    desk.anvil.mine(3).await;
    outbox.pass().await.unwrap();
    let state = outbox.entry(nonce).unwrap().state;
    assert!(matches!(state, State::Included { confirmations: 2, .. }), "{state:?}");
    desk.anvil.mine(1).await;
    assert!(matches!(settle(&outbox, nonce).await, State::Confirmed(_)));
    assert_eq!(desk.balance(receiver).await, U256::from(7));
}

#[tokio::test]
async fn even_a_confirmed_transaction_comes_back_after_a_deeper_reorganisation() {
    let desk = Desk::new().await;
    let outbox = desk.open(SenderOptions { confirmations: 1, ..quick() });
    let (receiver, act) = gift();
    let nonce = outbox.send(act).await.unwrap();
    desk.anvil.mine(2).await;
    assert!(matches!(settle(&outbox, nonce).await, State::Confirmed(_)));
    desk.anvil.reorg(2).await;
    outbox.pass().await.unwrap();
    assert_eq!(outbox.entry(nonce).unwrap().state, State::Waiting(Wait::Pooled));
    desk.anvil.mine(2).await;
    assert!(matches!(settle(&outbox, nonce).await, State::Confirmed(_)));
    assert_eq!(desk.balance(receiver).await, U256::from(7));
}

/// A transaction of account 1 that the outbox knows nothing of.
async fn rival(desk: &Desk, nonce: u64) {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 400_000_000_000,
        max_priority_fee_per_gas: 100_000_000_000,
        to: TxKind::Call(Address::repeat_byte(9)),
        ..TxEip1559::default()
    };
    let signature = funded(1).sign_hash_sync(&transaction.signature_hash()).unwrap();
    let raw = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
    desk.anvil.call("eth_sendRawTransaction", json!([hex::encode_prefixed(raw)])).await;
}

#[tokio::test]
async fn a_nonce_that_another_program_took_is_an_outcome_and_the_act_is_not_moved() {
    let desk = Desk::new().await;
    let outbox = desk.open(SenderOptions { confirmations: 2, ..quick() });
    let (receiver, act) = gift();
    let nonce = outbox.send(act).await.unwrap();
    rival(&desk, nonce).await;
    desk.anvil.mine(1).await;
    outbox.pass().await.unwrap();
    assert_eq!(outbox.entry(nonce).unwrap().state, State::Waiting(Wait::NonceTaken));
    desk.anvil.mine(2).await;
    assert_eq!(settle(&outbox, nonce).await, State::NonceTaken);
    // It stays given up, even when the rival's block is replaced.
    desk.anvil.reorg(3).await;
    outbox.pass().await.unwrap();
    desk.anvil.mine(3).await;
    outbox.pass().await.unwrap();
    assert_eq!(outbox.entry(nonce).unwrap().state, State::NonceTaken);
    assert_eq!(desk.balance(receiver).await, U256::ZERO);
}

#[tokio::test]
async fn nonces_of_other_programs_that_wait_in_the_pool_are_not_given_out() {
    let desk = Desk::new().await;
    rival(&desk, 0).await;
    let outbox = desk.open(quick());
    assert_eq!(outbox.send(gift().1).await.unwrap(), 1);
}

#[tokio::test]
async fn a_transaction_that_is_called_back_is_not_executed() {
    let desk = Desk::new().await;
    let outbox = desk.open(quick());
    let (receiver, act) = gift();
    let nonce = outbox.send(act).await.unwrap();
    outbox.cancel(nonce).await.unwrap();
    outbox.pass().await.unwrap();
    desk.anvil.mine(1).await;
    let state = settle(&outbox, nonce).await;
    assert!(matches!(state, State::Cancelled(_)), "{state:?}");
    assert_eq!(desk.balance(receiver).await, U256::ZERO);
    assert!(outbox.cancel(nonce).await.is_err());
}

#[tokio::test]
async fn an_account_that_cannot_pay_is_a_state_and_not_a_guess() {
    let desk = Desk::new().await;
    let path = desk.folder.path().join("poor.redb");
    let poor = sender(&desk.client, person("poor"), &path, quick());
    let error = poor.send(Request::from(gift().1).with_gas_limit(21_000)).await.unwrap_err();
    assert!(matches!(error, ChainError::OutOfFunds { balance: U256::ZERO, .. }), "{error}");
    assert!(poor.outstanding().is_empty());

    let outbox = desk.open(quick());
    let (receiver, act) = gift();
    let nonce = outbox.send(act).await.unwrap();
    desk.forget(&outbox.entry(nonce).unwrap()).await;
    let account = outbox.account();
    desk.anvil.call("anvil_setBalance", json!([account, "0x64"])).await;
    outbox.pass().await.unwrap();
    let state = outbox.entry(nonce).unwrap().state;
    let State::Waiting(Wait::OutOfFunds { needed, balance }) = state else { panic!("{state:?}") };
    assert!(balance == U256::from(100) && needed > balance);
    desk.anvil.call("anvil_setBalance", json!([account, "0xde0b6b3a7640000"])).await;
    outbox.pass().await.unwrap();
    desk.anvil.mine(1).await;
    assert!(matches!(settle(&outbox, nonce).await, State::Confirmed(_)));
    assert_eq!(desk.balance(receiver).await, U256::from(7));
}

#[tokio::test]
async fn the_cap_on_fees_is_never_passed_and_reaching_it_is_a_state() {
    let desk = Desk::new().await;
    let fees = FeePolicy { cap: 3_500_000_000, ..FeePolicy::default() };
    let outbox = desk.open(SenderOptions { replace_after: Duration::ZERO, fees, ..quick() });
    let nonce = outbox.send(gift().1).await.unwrap();
    for _ in 0..4 {
        outbox.pass().await.unwrap();
    }
    let entry = outbox.entry(nonce).unwrap();
    assert_eq!(entry.state, State::Waiting(Wait::FeeCap { cap: fees.cap }));
    assert!(entry.attempts.iter().all(|attempt| attempt.fees.max_fee_per_gas <= fees.cap), "{entry:?}");
    desk.anvil.mine(1).await;
    assert!(matches!(settle(&outbox, nonce).await, State::Confirmed(_)));
}

#[tokio::test]
async fn a_revert_on_the_chain_is_the_contracts_own_error() {
    let network = Network::deploy().await;
    let terms = terms(1);
    network.execute(network.contracts.act(&Consents::grantCall { terms })).await;
    network.anvil.call("evm_setAutomine", json!([false])).await;
    let revoke = network.contracts.act(&Consents::revokeCall { terms });
    // On top of the newest block both would succeed; in a block together the second cannot.
    let first = network.provider.send(Request::from(revoke.clone()).with_key("first")).await.unwrap();
    let second = network.provider.send(Request::from(revoke).with_key("second")).await.unwrap();
    network.anvil.mine(1).await;
    assert!(matches!(settle(&network.provider, first).await, State::Confirmed(_)));
    let state = settle(&network.provider, second).await;
    assert!(matches!(state, State::Reverted { is_traced: true, .. }), "{state:?}");
    let expected = Consents::NothingToRevoke { patient: network.provider.account(), terms };
    let expected = Refusal::Consents(Consents::ConsentsErrors::NothingToRevoke(expected));
    assert_eq!(state.refusal(), Some(expected));
}

#[tokio::test]
async fn a_whole_queue_survives_reorganisations_and_forgetful_pools() {
    let desk = Desk::new().await;
    let outbox = desk.open(SenderOptions { confirmations: 2, ..quick() });
    let mut receivers = Vec::new();
    for round in 0..6 {
        let (receiver, act) = gift();
        let nonce = outbox.send(act).await.unwrap();
        receivers.push(receiver);
        match round % 3 {
            0 => desk.forget(&outbox.entry(nonce).unwrap()).await,
            1 => desk.anvil.mine(2).await,
            _ => {
                desk.anvil.mine(1).await;
                desk.anvil.reorg(2).await;
            }
        }
        outbox.pass().await.unwrap();
    }
    desk.anvil.mine(3).await;
    for _ in 0..3 {
        outbox.pass().await.unwrap();
        desk.anvil.mine(3).await;
    }
    outbox.pass().await.unwrap();
    assert!(outbox.outstanding().is_empty(), "{:?}", outbox.outstanding());
    for receiver in receivers {
        assert_eq!(desk.balance(receiver).await, U256::from(7));
    }
    let view = desk.client.view().await.unwrap();
    assert_eq!(view.transaction_count(outbox.account()).await.unwrap(), 6);
}

#[tokio::test]
async fn a_settled_transaction_can_be_forgotten_and_its_nonce_is_not_given_out_again() {
    let desk = Desk::new().await;
    let outbox = desk.open(quick());
    let first = outbox.send(gift().1).await.unwrap();
    assert!(outbox.forget(first).await.is_err());
    let second = outbox.send(gift().1).await.unwrap();
    desk.anvil.mine(1).await;
    outbox.pass().await.unwrap();
    outbox.forget(first).await.unwrap();
    assert!(outbox.forget(second).await.is_err(), "the last nonce is counted from");
    drop(outbox);
    let outbox = desk.open(quick());
    assert_eq!(outbox.entry(first), None);
    assert_eq!(outbox.send(gift().1).await.unwrap(), second + 1);
}

#[tokio::test]
async fn the_run_of_an_outbox_settles_what_is_sent_and_ends_when_told() {
    let desk = Desk::new().await;
    let outbox = std::sync::Arc::new(desk.open(quick()));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = {
        let outbox = std::sync::Arc::clone(&outbox);
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            outbox.run(stopped).await
        })
    };
    let mut changes = outbox.changes();
    let nonce = outbox.send(gift().1).await.unwrap();
    desk.anvil.mine(1).await;
    while !outbox.entry(nonce).unwrap().state.is_settled() {
        tokio::time::timeout(Duration::from_mins(1), changes.changed()).await.unwrap().unwrap();
    }
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}
