//! All chunks of a table at once: read and checked, or built and written, by many threads.

use super::chunks::ChunkFile;
use super::error::{Damage, StoreError};
use super::header::CHUNK_ROWS;
use crate::ethash::{BuildError, LightCache, Row};
use crate::keccak::Digest256;
use crate::progress::Progress;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Which chunks of a file have their digests.
pub(super) struct ChunksFound {
    pub(super) have: Vec<bool>,
    pub(super) damage: Option<Damage>,
}

/// Reads all chunks that have a digest into `rows`, on `threads` threads, and tells which agree.
pub(super) fn read_chunks(
    file: &ChunkFile,
    table: &[Digest256],
    rows: &mut [Row],
    threads: usize,
    progress: &Progress,
) -> Result<ChunksFound, StoreError> {
    let have: Vec<AtomicBool> = table.iter().map(|_| AtomicBool::new(false)).collect();
    each_chunk(rows, threads, progress, |index, chunk| {
        let expected = &table[index as usize];
        if *expected != [0; 32] && file.read(index, expected, chunk)? {
            have[index as usize].store(true, Ordering::Relaxed);
            progress.add(chunk.len() as u64);
        }
        Ok(())
    })?;
    let have: Vec<bool> = have.into_iter().map(AtomicBool::into_inner).collect();
    let missing = u32::try_from(have.iter().filter(|have| !**have).count()).unwrap_or(u32::MAX);
    let damage = (missing > 0).then_some(Damage::Chunks { chunks: missing });
    Ok(ChunksFound { have, damage })
}

/// Builds and writes the chunks that are not there.
pub(super) fn build_missing(
    cache: &LightCache,
    file: &ChunkFile,
    have: &[bool],
    rows: &mut [Row],
    threads: usize,
    progress: &Progress,
) -> Result<(), StoreError> {
    /// Items between two looks at the stop flag: some tens of milliseconds.
    const STEP: u32 = 1 << 13;
    each_chunk(rows, threads, progress, |index, chunk| {
        if have[index as usize] {
            return Ok(());
        }
        let first = index * CHUNK_ROWS;
        for (step, part) in (0_u32..).zip(chunk.chunks_mut(STEP as usize)) {
            if progress.is_stopped() {
                return Ok(());
            }
            cache.fill_items(first + step * STEP, part);
            progress.add(part.len() as u64);
        }
        file.write(index, chunk)
    })?;
    if progress.is_stopped() { Err(BuildError::Stopped.into()) } else { Ok(()) }
}

/// Runs `work` over all chunks of `rows` on `threads` threads, until it is done, one fails, or a stop
/// is asked for. Gives the first failure.
fn each_chunk(
    rows: &mut [Row],
    threads: usize,
    progress: &Progress,
    work: impl Fn(u32, &mut [Row]) -> Result<(), StoreError> + Sync,
) -> Result<(), StoreError> {
    let chunks = Mutex::new((0..).zip(rows.chunks_mut(CHUNK_ROWS as usize)));
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !progress.is_stopped()
                    && failure.lock().unwrap_or_else(PoisonError::into_inner).is_none()
                {
                    let Some((index, chunk)) = chunks.lock().unwrap_or_else(PoisonError::into_inner).next()
                    else {
                        break;
                    };
                    if let Err(error) = work(index, chunk) {
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
            });
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}
