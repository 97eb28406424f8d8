//! The bounded result buffer of a search launch; its layout is told in `results.cl`.

use super::buffer::DeviceBuffer;
use super::context::DeviceContext;
use super::error::OpenClError;
use super::source::{RESULT_HEADER_WORDS, RESULT_SLOT_WORDS};
use crate::ethash::Hashimoto;

const COUNT: usize = 0;
const HASHES: usize = 1;
const ABORT: usize = 2;

/// A result buffer with a fixed number of slots.
#[derive(Debug)]
pub(super) struct ResultBuffer {
    words: DeviceBuffer<u32>,
    slots: u32,
}

/// What a launch left in its result buffer.
#[derive(Debug)]
pub(super) struct Results {
    /// Solutions met; more than `found` when the slots did not suffice.
    pub(super) count: u32,
    /// Nonces hashed: fewer than launched after an abort or an early exit.
    pub(super) hashes: u32,
    /// Nonce offsets with what the device computed.
    pub(super) found: Vec<(u32, Hashimoto)>,
}

impl Results {
    /// Whether solutions are missing for want of slots.
    pub(super) fn is_overflown(&self) -> bool {
        self.count as usize > self.found.len()
    }
}

impl ResultBuffer {
    pub(super) fn allocate(context: &DeviceContext, slots: u32) -> Result<Self, OpenClError> {
        let words = RESULT_HEADER_WORDS + slots as usize * RESULT_SLOT_WORDS;
        Ok(Self { words: DeviceBuffer::allocate(context, "the result buffer", words)?, slots })
    }

    pub(super) const fn words(&self) -> &DeviceBuffer<u32> {
        &self.words
    }

    pub(super) const fn slots(&self) -> u32 {
        self.slots
    }

    /// Empties the buffer before the next kernel in the queue.
    pub(super) fn enqueue_reset(&mut self, context: &DeviceContext) -> Result<(), OpenClError> {
        self.words.enqueue_zero(context, RESULT_HEADER_WORDS)
    }

    /// Tells a running launch to begin no more work.
    pub(super) fn abort(&mut self, context: &DeviceContext) -> Result<(), OpenClError> {
        self.words.write(context, ABORT, &[1])
    }

    /// Reads what a finished launch found.
    pub(super) fn read(&self, context: &DeviceContext) -> Result<Results, OpenClError> {
        let mut header = [0; RESULT_HEADER_WORDS];
        self.words.read(context, 0, &mut header)?;
        let count = header[COUNT];
        let mut slots = vec![0; count.min(self.slots) as usize * RESULT_SLOT_WORDS];
        self.words.read(context, RESULT_HEADER_WORDS, &mut slots)?;
        let mut found: Vec<_> = slots
            .chunks_exact(RESULT_SLOT_WORDS)
            .map(|slot| (slot[0], Hashimoto { mix_hash: digest(&slot[1..9]), result: digest(&slot[9..17]) }))
            .collect();
        // Slots are taken in the order in which groups finish; callers see nonces in order.
        found.sort_unstable_by_key(|(offset, _)| *offset);
        Ok(Results { count, hashes: header[HASHES], found })
    }
}

fn digest(words: &[u32]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    digest
}
