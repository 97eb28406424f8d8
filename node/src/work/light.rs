//! Sealing with the light cache on this machine's own cores: for development chains, whose
//! difficulty is low. Mining proper is the miner's.

use crate::NodeError;
use crate::chain::building::Candidate;
use crate::seal::{Sealer, boundary};
use alloy_primitives::{B64, B256, U256};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Nonces hashed together.
const NONCES_AT_ONCE: u64 = 16;

/// Searches nonces on `threads` threads until one solves `candidate` or `stop` is set. Returns the
/// nonce and the mix.
///
/// # Errors
/// [`NodeError::Epoch`] past the last supported epoch.
pub fn seal(
    sealer: &Sealer,
    candidate: &Candidate,
    threads: usize,
    stop: &AtomicBool,
) -> Result<Option<(B64, B256)>, NodeError> {
    let header = &candidate.block.header;
    let boundary = boundary(header.difficulty);
    sealer.warm_up(header.number)?;
    let next_nonce = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let search = || -> Result<Option<(B64, B256)>, NodeError> {
        while !stop.load(Ordering::Relaxed) && !done.load(Ordering::Relaxed) {
            let first = next_nonce.fetch_add(NONCES_AT_ONCE, Ordering::Relaxed);
            let hashes = sealer.hash_many(header.number, candidate.seal_hash, first, NONCES_AT_ONCE)?;
            let found =
                (first..).zip(hashes).find(|(_, (_, result))| U256::from_be_bytes(result.0) <= boundary);
            if let Some((nonce, (mix, _))) = found {
                done.store(true, Ordering::Relaxed);
                return Ok(Some((B64::from(nonce), mix)));
            }
        }
        Ok(None)
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(search)).collect();
        let mut found = search();
        for other in others {
            match other.join() {
                Ok(Ok(Some(seal))) => found = Ok(Some(seal)),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => found = Err(error),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    })
}
