//! An ordered parallel pipeline: one thread reads, all cores transform, results come back in order.
//!
//! The reading thread decompresses and cuts chunks; a group of them is transformed by the pool; the
//! calling thread takes the results in the order of the source. A bounded channel keeps the reader
//! from running ahead, so memory is a few chunks. Since chunks are cut by the source alone and taken in
//! order, the result does not depend on the number of threads.

use std::sync::mpsc::{Receiver, sync_channel};

use rayon::prelude::*;

use super::record::{Chunk, Source};
use crate::error::DatasetError;

/// Runs `transform` over all chunks in parallel and `consume` over its results in order.
pub(crate) fn run<O: Send>(
    mut source: impl Source,
    transform: impl Fn(&Chunk) -> O + Sync,
    mut consume: impl FnMut(O, u64) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
    let group_size = rayon::current_num_threads().max(1) * 2;
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(group_size);
        scope.spawn(move || {
            loop {
                let next = source.next_chunk().transpose();
                let Some(item) = next else { break };
                let failed = item.is_err();
                // A closed channel means that the consumer gave up; so does the reader.
                if sender.send(item).is_err() || failed {
                    break;
                }
            }
        });
        loop {
            let (group, failure) = take_group(&receiver, group_size);
            if group.is_empty() && failure.is_none() {
                return Ok(());
            }
            let results: Vec<(O, u64)> =
                group.par_iter().map(|chunk| (transform(chunk), chunk.bytes)).collect();
            for (result, bytes) in results {
                consume(result, bytes)?;
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
    })
}

/// Up to `size` chunks, and the error that ended the stream, if one did.
fn take_group(
    receiver: &Receiver<Result<Chunk, DatasetError>>,
    size: usize,
) -> (Vec<Chunk>, Option<DatasetError>) {
    let mut group = Vec::with_capacity(size);
    for item in receiver.iter().take(size) {
        match item {
            Ok(chunk) => group.push(chunk),
            Err(error) => return (group, Some(error)),
        }
    }
    (group, None)
}
