//! The dataset of an epoch in memory: built by all cores, then shared read-only.

use super::light::{BuildError, LightCache};
use super::parameters::Parameters;
use super::{Hashimoto, Page, Row, reference};
use crate::keccak::Digest256;
use crate::memory::{HugePageUse, Pages, Table, TableMut};
use crate::progress::Progress;
use std::sync::Mutex;

/// Items that a thread takes at a time: 1 MiB, some milliseconds of work.
const SHARE: usize = 1 << 14;

/// The dataset of one epoch.
#[derive(Debug)]
pub struct Dataset {
    parameters: Parameters,
    table: Table,
}

impl Dataset {
    /// Builds the dataset in memory on `threads` threads. `progress` counts items.
    ///
    /// # Errors
    /// [`BuildError`] when there is no memory, or a stop was asked for.
    pub fn build(
        cache: &LightCache,
        pages: Pages,
        threads: usize,
        progress: &Progress,
    ) -> Result<Self, BuildError> {
        let parameters = cache.parameters();
        let memory_error =
            |source| BuildError::Memory { what: "dataset", bytes: parameters.dataset_bytes(), source };
        let mut table = TableMut::new(parameters.dataset_items as usize, pages).map_err(memory_error)?;
        progress.start(0, u64::from(parameters.dataset_items));
        fill(cache, table.rows_mut(), threads, progress);
        if progress.is_stopped() {
            return Err(BuildError::Stopped);
        }
        Ok(Self::from_table(parameters, table.seal().map_err(memory_error)?))
    }

    /// A dataset whose items are there already.
    pub(crate) const fn from_table(parameters: &Parameters, table: Table) -> Self {
        Self { parameters: *parameters, table }
    }

    /// What the dataset was built for.
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The items of 64 bytes.
    pub fn items(&self) -> &[Row] {
        self.table.rows()
    }

    /// The pages of 128 bytes.
    pub fn pages(&self) -> &[Page] {
        self.table.pages()
    }

    /// How much of it lies on huge pages.
    pub fn huge_page_use(&self) -> HugePageUse {
        self.table.huge_page_use()
    }

    /// Hashimoto of one header and nonce, written as the specification states it.
    pub fn hashimoto(&self, header: &Digest256, nonce: u64) -> Hashimoto {
        let items = self.items();
        reference::hashimoto(header, nonce, self.parameters.dataset_items, |index| items[index as usize])
    }
}

/// Fills all items on `threads` threads, until it is done or stopped.
fn fill(cache: &LightCache, items: &mut [Row], threads: usize, progress: &Progress) {
    let shares = Mutex::new(items.chunks_mut(SHARE).zip((0..=u32::MAX).step_by(SHARE)));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while !progress.is_stopped() {
                    // A thread that panicked left the iterator whole: it is advanced in one call.
                    let share = shares.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                    let Some((share, first)) = share else { break };
                    cache.fill_items(first, share);
                    progress.add(share.len() as u64);
                }
            });
        }
    });
}
