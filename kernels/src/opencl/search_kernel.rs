//! A compiled search kernel over one dataset, and one launch of it.

use opencl3::event::Event;
use opencl3::kernel::Kernel;

use super::context::Argument;
use super::dataset::DeviceDataset;
use super::error::OpenClError;
use super::results::ResultBuffer;
use super::source::{self, ProgramKind};
use super::tuning::{Exchange, Tuning};
use crate::keccak::Digest256;

/// A search kernel, compiled for a tuning.
#[derive(Debug)]
pub(super) struct SearchKernel {
    kernel: Kernel,
    tuning: Tuning,
}

/// One launch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launch<'a> {
    pub(super) header: &'a Digest256,
    pub(super) boundary: &'a [u8; 32],
    pub(super) start_nonce: u64,
    pub(super) nonces: u32,
    /// Groups that have not begun when this many solutions are met do not begin.
    pub(super) solutions_wanted: u32,
}

impl SearchKernel {
    /// Compiles the kernel of `tuning` for the dataset's device.
    pub(super) fn build(dataset: &DeviceDataset, tuning: Tuning) -> Result<Self, OpenClError> {
        tuning.check(dataset.context().device())?;
        let (kind, extra) = match tuning {
            Tuning::Vector(_) => (ProgramKind::SearchVector, String::new()),
            Tuning::Group(group) => {
                let exchange = match group.exchange {
                    Exchange::Local => "EXCHANGE_LOCAL",
                    Exchange::Shuffle => "EXCHANGE_SHUFFLE",
                    Exchange::Ptx => "EXCHANGE_PTX",
                };
                let registers = match group.max_registers {
                    Some(registers) => format!(" -cl-nv-maxrregcount={registers}"),
                    None => String::new(),
                };
                let extra = format!(
                    "-DEXCHANGE={exchange} -DLANES={}u -DIN_FLIGHT={}u -DWORK_GROUP={}u{registers}",
                    group.lanes, group.in_flight, group.work_group
                );
                (ProgramKind::SearchGroup, extra)
            }
        };
        let kernel = source::build(dataset.context(), kind, dataset.buffer_count(), &extra)?;
        Ok(Self { kernel, tuning })
    }

    pub(super) const fn tuning(&self) -> Tuning {
        self.tuning
    }

    /// Enqueues a launch with emptied `results`.
    pub(super) fn enqueue(
        &self,
        dataset: &DeviceDataset,
        launch: &Launch<'_>,
        results: &mut ResultBuffer,
    ) -> Result<Event, OpenClError> {
        let context = dataset.context();
        results.enqueue_reset(context)?;
        let pages = dataset.parameters().dataset_pages();
        let arguments = dataset
            .arguments()
            .into_iter()
            .chain([
                Argument::Word(pages),
                Argument::Word(u32::MAX / pages),
                Argument::Longs(longs(launch.header, u64::from_le_bytes)),
                Argument::Longs(longs(launch.boundary, u64::from_be_bytes)),
                Argument::Long(launch.start_nonce),
                Argument::Word(launch.nonces),
                Argument::Words(results.words().raw()),
                Argument::Word(results.slots()),
                Argument::Word(launch.solutions_wanted),
            ])
            .collect::<Vec<_>>();
        let work_items = launch.nonces.div_ceil(self.tuning.nonces_per_work_item()) as usize;
        context.launch(&self.kernel, &arguments, work_items, self.tuning.work_group() as usize)
    }
}

fn longs(bytes: &[u8; 32], convert: fn([u8; 8]) -> u64) -> [u64; 4] {
    let mut longs = [0; 4];
    for (long, bytes) in longs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *long = convert(*bytes);
    }
    longs
}
