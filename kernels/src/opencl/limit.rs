//! What the device's memory allows: random page reads and plain copying, without hashing.
//!
//! The bound that hashrates on the same device are compared with; measured over the same dataset, in the
//! same run.

use std::time::Duration;

use opencl3::kernel::Kernel;

use super::buffer::DeviceBuffer;
use super::context::Argument;
use super::dataset::DeviceDataset;
use super::device::DeviceKind;
use super::error::OpenClError;
use super::launch::float;
use super::source::{self, ProgramKind};
use crate::ethash::Row;
use crate::ethash::parameters::{ACCESSES, ITEM_BYTES};

const WORK_GROUP: usize = 128;
const PAUSE: Duration = Duration::from_micros(200);
/// Reads of one chain in one launch: long enough that starting the launch does not matter.
const READS: u32 = 512;
/// Reads in flight a chain: the best of these is the limit.
const READS_IN_FLIGHT: [u32; 3] = [4, 8, 16];

/// Random reads of pages of 128 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomReads {
    /// Pages read a second.
    pub reads_per_second: f64,
    /// The hashrate that this bounds: a hash reads 64 pages.
    pub limit_hps: f64,
}

/// A kernel of random reads, for checking and measuring.
pub struct RandomReader<'a> {
    dataset: &'a DeviceDataset,
    kernel: Kernel,
    lanes: u32,
    folded: DeviceBuffer<u32>,
}

impl<'a> RandomReader<'a> {
    /// Compiles the kernel with `reads_in_flight` reads of each chain in flight, for `chains` chains.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn new(dataset: &'a DeviceDataset, reads_in_flight: u32, chains: u32) -> Result<Self, OpenClError> {
        // A CPU's work-item reads a page alone, as its search kernel does.
        let lanes = if dataset.context().device().kind == DeviceKind::Cpu { 1 } else { 8 };
        let extra = format!("-DREAD_LANES={lanes}u -DREADS_IN_FLIGHT={reads_in_flight}u");
        let kernel = source::build(dataset.context(), ProgramKind::Limit, dataset.buffer_count(), &extra)?;
        let work_items = (chains as usize * lanes as usize).next_multiple_of(WORK_GROUP);
        let folded = DeviceBuffer::allocate(dataset.context(), "the folded reads", work_items)?;
        Ok(Self { dataset, kernel, lanes, folded })
    }

    /// Chains of reads that run side by side.
    pub fn chains(&self) -> u64 {
        self.folded.len() as u64 / u64::from(self.lanes)
    }

    /// Runs `reads` reads of every chain, from `salt`; seconds taken.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn run(&mut self, reads: u32, salt: u32) -> Result<f64, OpenClError> {
        let pages = self.dataset.parameters().dataset_pages();
        let arguments = self
            .dataset
            .arguments()
            .into_iter()
            .chain([
                Argument::Word(pages),
                Argument::Word(reads),
                Argument::Word(salt),
                Argument::Words(self.folded.raw()),
            ])
            .collect::<Vec<_>>();
        let context = self.dataset.context();
        let event = context.launch(&self.kernel, &arguments, self.folded.len(), WORK_GROUP)?;
        context.wait(&event, PAUSE, || Ok(()))?;
        context.seconds(&event)
    }

    /// Everything that the last run read, folded by exclusive or into one word.
    ///
    /// # Errors
    /// What the driver refuses.
    pub fn folded(&self) -> Result<u32, OpenClError> {
        let mut words = vec![0; self.folded.len()];
        self.folded.read(self.dataset.context(), 0, &mut words)?;
        Ok(words.into_iter().fold(0, |sum, word| sum ^ word))
    }

    /// What [`RandomReader::folded`] must be, by a host that knows the dataset.
    pub fn expected_fold(&self, reads: u32, salt: u32, mut item: impl FnMut(u32) -> Row) -> u32 {
        let pages = u64::from(self.dataset.parameters().dataset_pages());
        let mut sum = 0;
        for chain in 0..self.chains() {
            let chain = u32::try_from(chain).unwrap_or(u32::MAX);
            let mut state = (chain + 1).wrapping_mul(0x9e37_79b9) ^ salt;
            for _ in 0..reads {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let page = u32::try_from((u64::from(state) * pages) >> 32).unwrap_or(u32::MAX);
                sum ^= item(2 * page).iter().chain(&item(2 * page + 1)).fold(0, |sum, word| sum ^ word);
            }
        }
        sum
    }
}

/// Measures random reads over the dataset for about `seconds`.
///
/// # Errors
/// What the driver refuses.
pub fn random_reads(dataset: &DeviceDataset, seconds: f64) -> Result<RandomReads, OpenClError> {
    let device = dataset.context().device();
    // 2,048 work-items a compute unit fill every GPU; a core of a CPU needs only work for a while.
    let chains = match device.kind {
        DeviceKind::Cpu => device.compute_units * 1024,
        _ => device.compute_units * 2048 / 8 * 4,
    };
    let share = seconds / float(READS_IN_FLIGHT.len() as u64);
    let mut best = 0.0_f64;
    for reads_in_flight in READS_IN_FLIGHT {
        let mut reader = RandomReader::new(dataset, reads_in_flight, chains)?;
        let launch_reads = float(reader.chains()) * f64::from(READS);
        // The first run warms clocks and translation caches up.
        reader.run(READS, 0)?;
        let (mut spent, mut salt) = (0.0, 1_u32);
        while spent < share {
            let run_seconds = reader.run(READS, salt.wrapping_mul(0x85eb_ca6b))?;
            best = best.max(launch_reads / run_seconds);
            (spent, salt) = (spent + run_seconds, salt + 1);
        }
    }
    Ok(RandomReads { reads_per_second: best, limit_hps: best / f64::from(ACCESSES) })
}

/// Bytes a second that a plain copy within the device moves (read and written together), from up to
/// 256 MiB of the dataset's first buffer; the best of five copies.
///
/// # Errors
/// What the driver refuses.
pub fn stream_bytes_per_second(dataset: &DeviceDataset) -> Result<f64, OpenClError> {
    let context = dataset.context();
    let source = dataset.first_buffer();
    let len = source.len().min(1 << 22);
    let mut target = DeviceBuffer::allocate(context, "the copy", len)?;
    let bytes = float(len as u64 * ITEM_BYTES);
    let mut best = 0.0_f64;
    for _ in 0..6 {
        let event = target.enqueue_copy(context, source, len)?;
        context.wait(&event, PAUSE, || Ok(()))?;
        best = best.max(2.0 * bytes / context.seconds(&event)?);
    }
    Ok(best)
}
