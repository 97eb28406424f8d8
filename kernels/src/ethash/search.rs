//! Full search: hashimoto over the dataset for a range of nonces, at the rate of the memory.
//!
//! [`Engine`] is one instruction set, chosen once; [`Engine::search`] works off a range of nonces on
//! the calling thread. The loop is in `search/pipeline.rs`, its two halves in `chains.rs` (pages) and
//! `hashing.rs` (Keccak).

mod chains;
mod hashing;
mod job;
mod pipeline;

pub use job::{IN_FLIGHT, SearchJob, SearchOutcome, Solution};

use super::Page;
use super::dataset::Dataset;
use crate::isa::{Isa, IsaError};
use std::sync::atomic::AtomicBool;

/// Searches with one instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Engine {
    isa: Isa,
}

impl Engine {
    /// The engine for `isa`, if this processor can run it.
    pub fn new(isa: Isa) -> Option<Self> {
        isa.is_available().then_some(Self { isa })
    }

    /// Every engine that this processor can run, the slowest first.
    pub fn all() -> Vec<Self> {
        Isa::available().into_iter().map(|isa| Self { isa }).collect()
    }

    /// The fastest engine that this processor can run.
    pub fn best() -> Self {
        Self { isa: Isa::best() }
    }

    /// The engine called `name`.
    ///
    /// # Errors
    /// [`IsaError`] when there is none of that name, or this processor cannot run it.
    pub fn by_name(name: &str) -> Result<Self, IsaError> {
        Isa::select(name).map(|isa| Self { isa })
    }

    /// The instruction set.
    pub const fn isa(self) -> Isa {
        self.isa
    }

    /// The engine's name: that of its instruction set.
    pub const fn name(self) -> &'static str {
        self.isa.name()
    }

    /// Hashes the nonces of `job` over `dataset` on this thread, until they are done or `stop` is
    /// set. `stop` is looked at once in [`IN_FLIGHT`] hashes.
    pub fn search(self, dataset: &Dataset, job: &SearchJob<'_>, stop: &AtomicBool) -> SearchOutcome {
        self.search_pages(dataset.pages(), job, stop)
    }

    /// [`Engine::search`] over pages that stand anywhere.
    pub(crate) fn search_pages(
        self,
        pages: &[Page],
        job: &SearchJob<'_>,
        stop: &AtomicBool,
    ) -> SearchOutcome {
        assert!(
            !pages.is_empty() && pages.as_ptr().cast::<u8>().align_offset(64) == 0,
            "a dataset has pages, aligned to 64 bytes"
        );
        // SAFETY: an engine exists only for an instruction set that this processor has; the pages are
        // aligned, as just checked.
        unsafe {
            match self.isa {
                Isa::Scalar => pipeline::scalar(pages, job, stop),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => pipeline::avx2(pages, job, stop),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => pipeline::avx512(pages, job, stop),
                #[cfg(not(target_arch = "x86_64"))]
                Isa::Avx2 | Isa::Avx512 => pipeline::scalar(pages, job, stop),
            }
        }
    }
}

#[cfg(test)]
mod tests;
