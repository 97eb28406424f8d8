//! Work over the parts of a source, in parallel, with one outcome whatever the threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::error::AnonymizerError;

/// What `each` makes of every part, in their order.
///
/// Of several parts that fail, the first one's error is returned, however many threads there are and whichever is
/// fastest: an error must not tell more than the source itself. Parts behind one that has failed are skipped.
pub(super) fn in_order<T: Send>(
    parts: usize,
    each: impl Fn(usize) -> Result<T, AnonymizerError> + Sync,
) -> Result<Vec<T>, AnonymizerError> {
    let first_failed = AtomicUsize::new(usize::MAX);
    let made: Vec<Option<Result<T, AnonymizerError>>> = (0..parts)
        .into_par_iter()
        .map(|part| {
            if part > first_failed.load(Ordering::Relaxed) {
                return None;
            }
            let made = each(part);
            if made.is_err() {
                first_failed.fetch_min(part, Ordering::Relaxed);
            }
            Some(made)
        })
        .collect();
    // What was skipped lies behind the first error, where collecting ends.
    made.into_iter().flatten().collect()
}
