//! Nodes that are down, slow, behind, on another chain, or lie: each is a clear state, and none is believed.

use std::time::{Duration, Instant};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, BloomInput};
use medrec_chain::{
    ChainError, Client, ClientOptions, Contracts, Follower, FollowerOptions, FollowerState, Health, Lag,
    NodeState, Position, Remedy, Update,
};
use serde_json::{Value, json};

use crate::server::{CHAIN_ID, Reply, Server, block, headers, options};

async fn state_of(server: &Server) -> NodeState {
    state_with(options(&[server])).await
}

async fn state_with(options: ClientOptions) -> NodeState {
    let client = Client::new(options).unwrap();
    let health = client.health().await;
    let state = health.state().unwrap().clone();
    // What health says and what may be read are the same thing, but for nodes that only say so when asked.
    let says_syncing = matches!(state, NodeState::Behind { lag: Lag::Syncing { .. }, .. });
    assert!(says_syncing || client.view().await.is_ok() == health.is_ready(), "{health}");
    state
}

fn why_down(state: NodeState) -> String {
    match state {
        NodeState::Down { why } => why,
        other => panic!("{other}"),
    }
}

/// A server that answers one method by a script, and the rest honestly.
async fn faulty(method: &'static str, reply: Reply) -> Server {
    Server::start(5, Duration::ZERO, move |asked, _| (asked == method).then(|| reply.clone())).await
}

#[tokio::test]
async fn an_honest_node_is_ready() {
    let server = Server::honest(5).await;
    let state = state_of(&server).await;
    assert!(matches!(&state, NodeState::Ready { head, .. } if head.number == 5), "{state}");
}

#[tokio::test]
async fn a_node_that_is_not_there_or_hangs_up_or_says_nothing_is_down() {
    let closed = ClientOptions::new(["http://127.0.0.1:9"], CHAIN_ID);
    let why = why_down(state_with(closed.clone()).await);
    assert!(why.contains("refused"), "{why}");
    assert!(matches!(Client::connect(closed).await, Err(ChainError::Unavailable { .. })));

    why_down(state_of(&faulty("eth_chainId", Reply::HangUp).await).await);
    let silent = faulty("eth_getBlockByNumber", Reply::Silence).await;
    let mut impatient = options(&[&silent]);
    impatient.call_timeout = Duration::from_millis(300);
    let why = why_down(state_with(impatient).await);
    assert!(why.contains("no answer within 300ms"), "{why}");
}

#[tokio::test]
async fn answers_that_are_none_are_a_node_that_is_down() {
    for (reply, says) in [
        (Reply::Body(b"<html>a router's page</html>".to_vec()), "router"),
        (Reply::Body(br#"{"jsonrpc":"2.0","id":0}"#.to_vec()), ""),
        (Reply::Result(json!("not a number")), "not a number"),
        (Reply::Result(Value::Null), "null"),
        (Reply::WrongId(json!("0x63")), "another request"),
        (Reply::Error(-32000, "out of sorts"), "out of sorts"),
    ] {
        let why = why_down(state_of(&faulty("eth_chainId", reply).await).await);
        assert!(why.contains(says), "{says}: {why}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let server = faulty("eth_chainId", Reply::Body(vec![b' '; 4 << 20])).await;
    let mut bounded = options(&[&server]);
    bounded.max_response_bytes = 1 << 20;
    let why = why_down(state_with(bounded).await);
    assert!(why.contains("longer than 1048576 bytes"), "{why}");
}

#[tokio::test]
async fn another_chain_is_told_by_its_id_and_by_its_block_zero() {
    let server = Server::honest(5).await;
    let mut other_id = options(&[&server]);
    other_id.chain_id = 98;
    assert_eq!(state_with(other_id).await, NodeState::WrongChain { expected: 98, found: CHAIN_ID });
    let mut other_genesis = options(&[&server]);
    other_genesis.genesis_hash = Some(B256::repeat_byte(1));
    let expected = NodeState::WrongGenesis { expected: B256::repeat_byte(1), found: server.genesis() };
    assert_eq!(state_with(other_genesis).await, expected);
    let mut same = options(&[&server]);
    same.genesis_hash = Some(server.genesis());
    assert!(matches!(state_with(same).await, NodeState::Ready { .. }));
}

#[tokio::test]
async fn old_future_and_synchronising_heads_are_behind() {
    let old = Server::start(5, Duration::from_mins(15), |_, _| None).await;
    let state = state_of(&old).await;
    assert!(matches!(state, NodeState::Behind { lag: Lag::OldHead { .. }, .. }), "{state}");
    let mut patient = options(&[&old]);
    patient.max_head_age = None;
    assert!(matches!(state_with(patient).await, NodeState::Ready { .. }));

    let mut chain = headers(5, Duration::ZERO);
    chain[5].timestamp += 3_600;
    let future = Server::honest(5).await;
    future.replace(chain);
    let state = state_of(&future).await;
    assert!(matches!(state, NodeState::Behind { lag: Lag::FutureHead { .. }, .. }), "{state}");

    let syncing = faulty("eth_syncing", Reply::Result(json!({ "highestBlock": "0x1f4" }))).await;
    let state = state_of(&syncing).await;
    assert!(matches!(state, NodeState::Behind { lag: Lag::Syncing { highest: Some(500) }, .. }), "{state}");
}

#[tokio::test]
async fn a_header_that_was_changed_does_not_hash_to_its_hash() {
    let mut changed = block(headers(5, Duration::ZERO).last().unwrap());
    changed["miner"] = json!(Address::repeat_byte(6));
    let why = why_down(state_of(&faulty("eth_getBlockByNumber", Reply::Result(changed)).await).await);
    assert!(why.contains("hash to"), "{why}");
}

#[tokio::test]
async fn the_next_node_stands_in_and_foreign_ones_are_never_asked() {
    let (dead, good) = (faulty("eth_chainId", Reply::HangUp).await, Server::honest(5).await);
    let foreign = faulty("eth_chainId", Reply::Result(json!("0x1"))).await;
    let client = Client::connect(options(&[&dead, &foreign, &good])).await.unwrap();
    let view = client.view().await.unwrap();
    assert_eq!(view.url(), good.url);
    view.balance(Address::ZERO).await.unwrap();
    assert_eq!(foreign.requests(), 2, "the chain id, once for each view");
    let Health { nodes } = client.health().await;
    let states: Vec<_> = nodes.iter().map(|node| &node.state).collect();
    assert!(
        matches!(states[..], [NodeState::Down { .. }, NodeState::WrongChain { .. }, NodeState::Ready { .. }]),
        "{states:?}"
    );
}

#[tokio::test]
async fn a_fail_over_to_a_node_that_stood_still_is_refused() {
    // What was revoked in blocks 6 to 20 would be in force again at block 5.
    let (ahead, stale) = (Server::honest(20).await, Server::honest(5).await);
    let client = Client::connect(options(&[&ahead, &stale])).await.unwrap();
    assert_eq!(client.view().await.unwrap().head().block.number, 20);
    ahead.replace(Vec::new());
    let error = client.view().await.unwrap_err();
    let ChainError::Unavailable { health } = &error else { panic!("{error}") };
    let behind = health.nodes.iter().find(|node| node.url == stale.url).unwrap();
    assert!(matches!(behind.state, NodeState::Behind { lag: Lag::LowerHead { highest: 20 }, .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
    // A re-organisation of a few blocks is not a node that stood still.
    stale.replace(headers(18, Duration::ZERO));
    assert_eq!(client.view().await.unwrap().head().block.number, 18);
}

#[tokio::test]
async fn a_node_that_comes_back_is_waited_for() {
    let server = Server::honest(5).await;
    server.replace(Vec::new());
    let client = Client::new(options(&[&server])).unwrap();
    assert!(client.view().await.is_err());
    let waiting = tokio::spawn(async move { client.wait_until_ready(Duration::from_mins(1)).await });
    server.replace(headers(6, Duration::ZERO));
    assert_eq!(waiting.await.unwrap().unwrap().head().block.number, 6);
}

fn contracts() -> Contracts {
    Contracts::predicted(CHAIN_ID, Address::repeat_byte(3), 0)
}

/// The chain of [`headers`] whose block 3 says that one of the contracts wrote a log.
fn chain_with_a_log() -> Vec<Header> {
    let mut chain = headers(5, Duration::ZERO);
    for number in 3..=5 {
        chain[number].parent_hash = chain[number - 1].hash_slow();
        if number == 3 {
            chain[number].logs_bloom.accrue(BloomInput::Raw(contracts().consents.as_slice()));
        }
    }
    chain
}

async fn follower(server: &Server) -> Follower {
    let client = Client::new(options(&[server])).unwrap();
    let position = Position::before(&client.view().await.unwrap(), 1).await.unwrap();
    let options = FollowerOptions {
        confirmations: 0,
        poll_interval: Duration::from_millis(50),
        ..FollowerOptions::default()
    };
    Follower::new(client, contracts(), position, options)
}

#[tokio::test]
async fn a_log_that_a_node_leaves_out_is_missed() {
    let server = Server::honest(5).await;
    server.replace(chain_with_a_log());
    let mut follower = follower(&server).await;
    let before = follower.position().clone();
    let error = follower.step().await.unwrap_err();
    assert!(matches!(&error, ChainError::Malformed { why, .. } if why.contains("block 3")), "{error}");
    assert_eq!(follower.position(), &before, "nothing was skipped");
    assert!(matches!(&*follower.state().borrow(), FollowerState::Waiting { why } if why.contains("block 3")));
}

#[tokio::test]
async fn a_log_that_a_node_makes_up_is_refused() {
    let server = Server::start(5, Duration::ZERO, |method, params| {
        (method == "eth_getLogs").then(|| {
            Reply::Result(json!([{
                "address": contracts().consents,
                "topics": [B256::repeat_byte(5)],
                "data": "0x",
                "blockHash": params[0]["blockHash"],
                "blockNumber": "0x3",
                "transactionHash": B256::repeat_byte(6),
                "transactionIndex": "0x0",
                "logIndex": "0x0",
                "removed": false,
            }]))
        })
    })
    .await;
    server.replace(chain_with_a_log());
    let error = follower(&server).await.step().await.unwrap_err();
    assert!(matches!(error, ChainError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_chain_that_changes_while_it_is_read_is_read_again() {
    let server = Server::honest(5).await;
    let whole = headers(5, Duration::ZERO);
    let mut torn = whole.clone();
    torn[4].parent_hash = B256::repeat_byte(8);
    torn[5].parent_hash = torn[4].hash_slow();
    server.replace(torn);
    let mut follower = follower(&server).await;
    let error = follower.step().await.unwrap_err();
    assert!(error.to_string().contains("re-organisation") && error.remedy() == Remedy::Retry, "{error}");
    server.replace(whole);
    let step = follower.step().await.unwrap().unwrap();
    assert_eq!((step.position.block.number, step.update), (5, Update::Advanced { events: Vec::new() }));
}

#[tokio::test]
async fn waiting_for_a_dead_node_is_no_busy_loop() {
    let server = Server::honest(5).await;
    let chain = headers(5, Duration::ZERO);
    server.replace(chain.clone());
    let mut follower = follower(&server).await;
    server.replace(Vec::new());
    let before = server.requests();
    let started = Instant::now();
    assert!(tokio::time::timeout(Duration::from_millis(1_500), follower.next()).await.is_err());
    // Pauses of 50, 100, 200, 400, 800 ms: at most six looks of two requests in the time that passed, on a slow
    // machine fewer. A loop without pauses makes thousands.
    let requests = server.requests() - before;
    let most = 2 * (6 + usize::try_from(started.elapsed().as_secs()).unwrap());
    assert!(requests >= 1 && requests <= most, "{requests} requests");
    server.replace(chain);
    let step = tokio::time::timeout(Duration::from_mins(1), follower.next()).await.unwrap();
    assert_eq!(step.unwrap().position.block.number, 5);
}
