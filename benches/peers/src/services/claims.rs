//! Claims: the miner of many blocks collects their census shards, and then asks for the same ones again.
//!
//! The first claim of a block is assembled, signed, stored on disk and answered; every later one is answered with the stored
//! bytes. Both are measured, and the bytes compared.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use medrec_domain::Digest;
use medrec_domain::identifier::BlockNumber;
use medrec_protocol::methods::claims::{Shard, ShardBody};

use super::chain::Chain;
use super::load::{self, Question, Times};
use super::town::Town;

/// Blocks on top of one that earns.
const CONFIRMATIONS: u64 = 12;

/// First claims, and repeated ones.
pub(super) struct Claims {
    pub(super) first: Times,
    pub(super) again: Times,
    /// Size of a bundle.
    pub(super) bundle_bytes: usize,
}

/// Claims `blocks` blocks from `from` on, then each of them `times` times more.
pub(super) fn measure(
    town: &Town,
    chain: &Chain,
    from: u64,
    blocks: u64,
    times: usize,
    clients: usize,
) -> anyhow::Result<Claims> {
    chain.wait_for(from + blocks + CONFIRMATIONS)?;
    let lab = town.signer("lab.json")?;
    let counter = town.counter(&lab);
    let bodies = (from..from + blocks)
        .map(|number| Ok(ShardBody { number: BlockNumber(number), hash: chain.hash_of(number)? }))
        .collect::<anyhow::Result<Vec<ShardBody>>>()?;
    let ask = |times: usize| -> anyhow::Result<Vec<Question>> {
        let all = (0..times).flat_map(|_| bodies.iter().enumerate());
        all.map(|(kind, body)| counter.question::<Shard>(kind, body.clone())).collect()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let seen: Arc<Mutex<BTreeMap<usize, Digest>>> = Arc::default();
    let sizes: Arc<Mutex<Option<usize>>> = Arc::default();
    let (kept, size) = (Arc::clone(&seen), Arc::clone(&sizes));
    let first = move |kind: usize, bundle: &[u8]| {
        let before = size.lock().unwrap_or_else(PoisonError::into_inner).replace(bundle.len());
        ensure!(before.is_none_or(|before| before == bundle.len()), "bundles of two sizes");
        kept.lock().unwrap_or_else(PoisonError::into_inner).insert(kind, digest(bundle));
        Ok(())
    };
    let first = runtime.block_on(load::run(counter.address, clients, ask(1)?, first))?;
    let kept = Arc::clone(&seen);
    let again = move |kind: usize, bundle: &[u8]| {
        let seen = kept.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(seen.get(&kind) == Some(&digest(bundle)), "other bytes for the same claim");
        Ok(())
    };
    let again = runtime.block_on(load::run(counter.address, clients, ask(times)?, again))?;
    let bundle_bytes = sizes.lock().unwrap_or_else(PoisonError::into_inner).context("no bundle came")?;
    Ok(Claims { first, again, bundle_bytes })
}

fn digest(bytes: &[u8]) -> Digest {
    medrec_domain::keccak256(bytes)
}
