//! A compiled search kernel with what it reads, and one launch of it.

use std::sync::Arc;

use opencl3::event::Event;
use opencl3::kernel::Kernel;

use super::context::{Argument, DeviceContext};
use super::dataset::DeviceDataset;
use super::device::DeviceKind;
use super::error::OpenClError;
use super::light::DeviceLightCache;
use super::results::ResultBuffer;
use super::source::{self, ProgramKind};
use super::tuning::{Exchange, Tuning};
use crate::keccak::Digest256;

/// What a kernel reads.
#[derive(Debug)]
enum Table {
    /// A dataset.
    Dataset(Arc<DeviceDataset>),
    /// A light cache, from which the dataset's items are computed.
    Light(Box<DeviceLightCache>),
}

/// A search kernel, compiled for what it reads.
#[derive(Debug)]
pub(super) struct SearchKernel {
    kernel: Kernel,
    table: Table,
    work_group: u32,
    nonces_per_work_item: u32,
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
    pub(super) fn over_dataset(dataset: Arc<DeviceDataset>, tuning: Tuning) -> Result<Self, OpenClError> {
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
        let (work_group, nonces_per_work_item) = (tuning.work_group(), tuning.nonces_per_work_item());
        Ok(Self { kernel, table: Table::Dataset(dataset), work_group, nonces_per_work_item })
    }

    /// Compiles the light kernel for the cache's device.
    pub(super) fn over_cache(cache: DeviceLightCache) -> Result<Self, OpenClError> {
        let device = cache.context().device();
        // A core of a CPU works a group off alone, milliseconds a hash; a GPU's fills two warps or one wavefront.
        let wanted = if device.kind == DeviceKind::Cpu { 4 } else { 64 };
        let work_group = u32::try_from(device.max_work_group).unwrap_or(wanted).clamp(1, wanted);
        let kernel = source::build(cache.context(), ProgramKind::SearchLight, 1, "")?;
        Ok(Self { kernel, table: Table::Light(Box::new(cache)), work_group, nonces_per_work_item: 1 })
    }

    pub(super) fn context(&self) -> &DeviceContext {
        match &self.table {
            Table::Dataset(dataset) => dataset.context(),
            Table::Light(cache) => cache.context(),
        }
    }

    /// Nonces of the smallest launch that is worth one.
    pub(super) fn quantum(&self) -> u64 {
        let groups = match self.table {
            // Sixteen groups a compute unit fill a GPU about once.
            Table::Dataset(_) => 16,
            // A light hash takes tens of milliseconds of a work-item: more groups could stop a slow GPU's display for
            // seconds. Launches of fast ones grow.
            Table::Light(_) => 1,
        };
        let group_nonces = self.work_group * self.nonces_per_work_item;
        u64::from(self.context().device().compute_units.max(1)) * groups * u64::from(group_nonces)
    }

    /// Enqueues a launch with emptied `results`.
    pub(super) fn enqueue(
        &self,
        launch: &Launch<'_>,
        results: &mut ResultBuffer,
    ) -> Result<Event, OpenClError> {
        let context = self.context();
        results.enqueue_reset(context)?;
        let (mut arguments, pages) = match &self.table {
            Table::Dataset(dataset) => (Vec::from(dataset.arguments()), dataset.parameters().dataset_pages()),
            Table::Light(cache) => (Vec::from(cache.arguments()), cache.parameters().dataset_pages()),
        };
        arguments.extend([
            Argument::Word(pages),
            Argument::Word(u32::MAX / pages),
            Argument::Longs(longs(launch.header, u64::from_le_bytes)),
            Argument::Longs(longs(launch.boundary, u64::from_be_bytes)),
            Argument::Long(launch.start_nonce),
            Argument::Word(launch.nonces),
            Argument::Words(results.words().raw()),
            Argument::Word(results.slots()),
            Argument::Word(launch.solutions_wanted),
        ]);
        let work_items = launch.nonces.div_ceil(self.nonces_per_work_item) as usize;
        context.launch(&self.kernel, &arguments, work_items, self.work_group as usize)
    }
}

fn longs(bytes: &[u8; 32], convert: fn([u8; 8]) -> u64) -> [u64; 4] {
    let mut longs = [0; 4];
    for (long, bytes) in longs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *long = convert(*bytes);
    }
    longs
}
