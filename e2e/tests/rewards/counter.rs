//! The claims of a gatekeeper over HTTP: real requests, real signatures, real rewards, and nothing else of a gatekeeper.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use medrec_gatekeeper::rewards::{Rewards, RewardsError};
use medrec_node::spec::DEV_CHAIN_ID;
use medrec_protocol::bridge::{from_chain, to_chain};
use medrec_protocol::methods::claims::{Bounty, BountyBody, Shard, ShardBody};
use medrec_protocol::methods::status::StatusAnswer;
use medrec_protocol::{Refusal, RefusalCode, Signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::yard::{Yard, now_s};

/// A counter that is open.
pub(crate) struct Counter {
    pub(crate) url: String,
    /// Claims that were asked for.
    pub(crate) asked: Arc<AtomicUsize>,
}

impl Counter {
    /// Opens one and has the Registrar say so.
    pub(crate) async fn open(yard: &Yard, rewards: &Arc<Rewards>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let (rewards, counted, provider) = (Arc::clone(rewards), Arc::clone(&asked), yard.sender.account());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (rewards, counted) = (Arc::clone(&rewards), Arc::clone(&counted));
                tokio::spawn(async move {
                    while let Some((line, body)) = request(&mut socket).await {
                        let (status, bytes) =
                            answer(&rewards, &counted, from_chain(provider), &line, &body).await;
                        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", bytes.len());
                        let _ = socket.write_all(&[head.as_bytes(), &bytes].concat()).await;
                    }
                });
            }
        });
        Self { url, asked }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

type Account = medrec_domain::identifier::Address;

async fn answer(
    rewards: &Arc<Rewards>,
    asked: &AtomicUsize,
    provider: Account,
    line: &str,
    body: &[u8],
) -> (u16, Vec<u8>) {
    if line.starts_with("GET /v1/status ") {
        let status = StatusAnswer {
            version: "1".to_owned(),
            provider,
            chain_id: DEV_CHAIN_ID,
            registrar: Account::default(),
            head: None,
            time_s: now_s(),
            catalogue: medrec_domain::Digest::default(),
            epoch: None,
        };
        return (200, serde_json::to_vec(&status).unwrap());
    }
    asked.fetch_add(1, Ordering::SeqCst);
    let outcome = if line.starts_with("POST /v1/claims/shard ") {
        let asked_for: Signed<ShardBody> = serde_json::from_slice(body).unwrap();
        let signer = asked_for.check::<Shard>(DEV_CHAIN_ID, provider, now_s()).unwrap();
        rewards.claim_shard(to_chain(signer), &asked_for.body).await
    } else {
        let asked_for: Signed<BountyBody> = serde_json::from_slice(body).unwrap();
        let signer = asked_for.check::<Bounty>(DEV_CHAIN_ID, provider, now_s()).unwrap();
        rewards.claim_bounty(to_chain(signer), &asked_for.body.posting, Arc::new(())).await
    };
    match outcome.as_ref().map_err(RewardsError::code) {
        Ok(bytes) => (200, bytes.clone()),
        Err(code) => (RefusalCode::status(code), serde_json::to_vec(&Refusal::from(code)).unwrap()),
    }
}

/// Reads one request: its first line and its body.
async fn request(socket: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Some((head.lines().next()?.to_owned(), body.as_bytes().to_vec()));
            }
        }
        let mut piece = [0; 4096];
        let read = socket.read(&mut piece).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&piece[..read]);
    }
}
