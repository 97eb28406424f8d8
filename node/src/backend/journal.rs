//! Writes acknowledged transactions to disk, many with one sync when many come at once.
//!
//! Whoever gets the writer's lock writes everything that queued up meanwhile; the others find their
//! transaction written when it is their turn.

use crate::store::Store;
use crate::{NodeError, Transaction};
use parking_lot::Mutex;
use std::sync::Arc;

/// The queue before the disk.
#[derive(Default)]
pub(super) struct Journal {
    queue: Mutex<Vec<Arc<Transaction>>>,
    writing: Mutex<()>,
}

impl Journal {
    /// Returns when `transaction` is on disk.
    ///
    /// # Errors
    /// Storage errors. Those of a batch go to the one who wrote it; the batch stays queued, so the
    /// others try again themselves.
    pub(super) fn write(&self, store: &Store, transaction: Arc<Transaction>) -> Result<(), NodeError> {
        self.queue.lock().push(transaction);
        let _writing = self.writing.lock();
        let batch = std::mem::take(&mut *self.queue.lock());
        if batch.is_empty() {
            return Ok(());
        }
        let transactions: Vec<&Transaction> = batch.iter().map(Arc::as_ref).collect();
        let written = store.put_pooled(&transactions);
        if written.is_err() {
            self.queue.lock().extend(batch);
        }
        written
    }
}
