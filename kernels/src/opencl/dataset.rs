//! A dataset in device memory: allocated, generated from a light cache or uploaded, read back.
//!
//! The dataset may lie in up to four buffers where the device allows no allocation of its size. Which
//! hashes are computed over it is told elsewhere.

use std::collections::VecDeque;
use std::time::Duration;

use opencl3::event::Event;
use opencl3::kernel::Kernel;

use super::buffer::{DeviceBuffer, bytes_of};
use super::context::{Argument, DeviceContext};
use super::device::{Device, DeviceKind};
use super::error::OpenClError;
use super::launch::{LaunchSize, TARGET_LAUNCH};
use super::source::{self, ProgramKind};
use crate::ethash::parameters::{ITEM_BYTES, PAGE_BYTES};
use crate::ethash::{Parameters, Row};
use crate::progress::Progress;

/// Buffers that the kernels take; `DATASET_PARAMETERS` in `ethash.cl`.
const MAX_BUFFERS: u32 = 4;
/// Work-items of a group when generating: occupancy on GPUs, nothing on CPUs.
const WORK_GROUP: usize = 64;
/// Items of the first launch: tens of milliseconds on one CPU core, too little to matter on a GPU.
const FIRST_ITEMS: u64 = 8192;
const PAUSE: Duration = Duration::from_micros(200);

/// The kernels that generate a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetKernel {
    /// One item a work-item, for GPUs.
    Item,
    /// Eight items a work-item, for CPU devices.
    Vector,
}

impl DatasetKernel {
    /// The one that suits `device`.
    pub const fn default_for(device: &Device) -> Self {
        match device.kind {
            DeviceKind::Cpu => Self::Vector,
            _ => Self::Item,
        }
    }
}

/// A dataset in the memory of one device.
#[derive(Debug)]
pub struct DeviceDataset {
    context: DeviceContext,
    parameters: Parameters,
    buffers: Vec<DeviceBuffer<Row>>,
    buffer_pages: u32,
}

impl DeviceDataset {
    /// Generates the dataset of `parameters` on `device` from its light cache.
    ///
    /// `progress` counts items of 64 bytes and can stop the work between launches of about 100 ms.
    ///
    /// # Errors
    /// [`OpenClError::OutOfMemory`] and [`OpenClError::AllocationLimit`] before anything is computed,
    /// [`OpenClError::Stopped`], and what the driver refuses.
    pub fn generate(
        device: &Device,
        parameters: &Parameters,
        cache: &[Row],
        progress: &Progress,
    ) -> Result<Self, OpenClError> {
        let mut dataset =
            Self::allocate(DeviceContext::open(device)?, parameters, device.max_allocation_bytes)?;
        dataset.fill(DatasetKernel::default_for(device), cache, progress)?;
        Ok(dataset)
    }

    /// Allocates a dataset with undefined contents, in as few buffers of at most `max_buffer_bytes` as it takes
    /// (the device's own limit holds as well).
    ///
    /// # Errors
    /// [`OpenClError::OutOfMemory`], [`OpenClError::AllocationLimit`], [`OpenClError::UnusableParameters`], and
    /// what the driver refuses.
    pub fn allocate(
        context: DeviceContext,
        parameters: &Parameters,
        max_buffer_bytes: u64,
    ) -> Result<Self, OpenClError> {
        let needed_bytes = parameters.dataset_bytes() + parameters.cache_bytes();
        if context.available_bytes() < needed_bytes {
            return Err(OpenClError::OutOfMemory {
                device: context.device().name.clone(),
                what: "the dataset with its light cache",
                needed_bytes,
                available_bytes: context.available_bytes(),
            });
        }
        let max_buffer_bytes = max_buffer_bytes.min(context.device().max_allocation_bytes);
        let buffer_pages = buffer_pages(context.device(), parameters, max_buffer_bytes)?;
        let buffer_items = 2 * u64::from(buffer_pages);
        let items = u64::from(parameters.dataset_items);
        let buffers = (0..items)
            .step_by(usize::try_from(buffer_items).unwrap_or(usize::MAX))
            .map(|first| {
                let len = usize::try_from(buffer_items.min(items - first)).unwrap_or(usize::MAX);
                DeviceBuffer::allocate(&context, "the dataset", len)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { context, parameters: *parameters, buffers, buffer_pages })
    }

    /// The device that holds it.
    pub const fn context(&self) -> &DeviceContext {
        &self.context
    }

    /// What it is a dataset of.
    pub const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Buffers that it lies in.
    pub const fn buffer_count(&self) -> usize {
        self.buffers.len()
    }

    /// Computes every item on the device, from the light cache, with the given kernel.
    ///
    /// # Errors
    /// As [`DeviceDataset::generate`].
    pub fn fill(
        &mut self,
        kernel: DatasetKernel,
        cache: &[Row],
        progress: &Progress,
    ) -> Result<(), OpenClError> {
        let Ok(cache_rows @ 1..) = u32::try_from(cache.len()) else {
            let items = self.parameters.dataset_items;
            return Err(OpenClError::UnusableParameters { items, rows: cache.len() });
        };
        let (kind, items_per_work_item) = match kernel {
            DatasetKernel::Vector => (ProgramKind::DatasetVector, 8),
            DatasetKernel::Item => (ProgramKind::DatasetItem, 1),
        };
        let kernel = source::build(&self.context, kind, 1, "")?;
        let mut device_cache = DeviceBuffer::allocate(&self.context, "the light cache", cache.len())?;
        device_cache.write(&self.context, 0, cache)?;
        progress.start(0, u64::from(self.parameters.dataset_items));
        let cache = CacheOnDevice { rows: &device_cache, row_count: cache_rows };
        Generation { dataset: self, kernel, cache, items_per_work_item }.run(progress)
    }

    /// Writes `rows` as the items from `first_item` on, across buffers.
    ///
    /// # Errors
    /// What the driver refuses.
    ///
    /// # Panics
    /// When the rows pass the dataset's end.
    pub fn upload(&mut self, first_item: u32, rows: &[Row]) -> Result<(), OpenClError> {
        let (mut buffer, mut position) = self.place(first_item);
        let mut rest = rows;
        while !rest.is_empty() {
            let count = rest.len().min(self.buffers[buffer].len() - position);
            let (now, later) = rest.split_at(count);
            self.buffers[buffer].write(&self.context, position, now)?;
            (rest, buffer, position) = (later, buffer + 1, 0);
        }
        Ok(())
    }

    /// Reads the items from `first_item` on, across buffers.
    ///
    /// # Errors
    /// What the driver refuses.
    ///
    /// # Panics
    /// When they pass the dataset's end.
    pub fn read(&self, first_item: u32, rows: &mut [Row]) -> Result<(), OpenClError> {
        let (mut buffer, mut position) = self.place(first_item);
        let mut rest = rows;
        while !rest.is_empty() {
            let count = rest.len().min(self.buffers[buffer].len() - position);
            let (now, later) = rest.split_at_mut(count);
            self.buffers[buffer].read(&self.context, position, now)?;
            (rest, buffer, position) = (later, buffer + 1, 0);
        }
        Ok(())
    }

    /// Buffer and position of an item.
    fn place(&self, item: u32) -> (usize, usize) {
        let (item, buffer_items) = (item as usize, 2 * self.buffer_pages as usize);
        (item / buffer_items, item % buffer_items)
    }

    /// The arguments that every kernel over the dataset starts with: four buffers and their pages.
    pub(super) fn arguments(&self) -> [Argument<'_>; 5] {
        let buffer = |index: usize| Argument::Rows(self.buffers.get(index).unwrap_or(&self.buffers[0]).raw());
        [buffer(0), buffer(1), buffer(2), buffer(3), Argument::Word(self.buffer_pages)]
    }

    pub(super) fn first_buffer(&self) -> &DeviceBuffer<Row> {
        &self.buffers[0]
    }
}

/// Pages of each buffer: the dataset spread evenly over the fewest buffers.
fn buffer_pages(device: &Device, parameters: &Parameters, max_buffer_bytes: u64) -> Result<u32, OpenClError> {
    // The odd item of an odd count belongs to no page, but is stored.
    let pages = parameters.dataset_items.div_ceil(2);
    if parameters.dataset_pages() == 0 || parameters.cache_rows == 0 {
        let rows = parameters.cache_rows as usize;
        return Err(OpenClError::UnusableParameters { items: parameters.dataset_items, rows });
    }
    (1..=MAX_BUFFERS)
        .map(|buffers| pages.div_ceil(buffers))
        .find(|pages| u64::from(*pages) * PAGE_BYTES <= max_buffer_bytes)
        .ok_or_else(|| OpenClError::AllocationLimit {
            device: device.name.clone(),
            needed_bytes: parameters.dataset_bytes(),
            max_allocation_bytes: max_buffer_bytes,
            max_buffers: MAX_BUFFERS,
        })
}

struct CacheOnDevice<'a> {
    rows: &'a DeviceBuffer<Row>,
    row_count: u32,
}

/// The generation of one dataset: launches of bounded time, two in the queue so that the device is
/// never idle.
struct Generation<'a> {
    dataset: &'a DeviceDataset,
    kernel: Kernel,
    cache: CacheOnDevice<'a>,
    items_per_work_item: u32,
}

impl Generation<'_> {
    fn run(&self, progress: &Progress) -> Result<(), OpenClError> {
        let mut size = LaunchSize::new(FIRST_ITEMS, TARGET_LAUNCH);
        let mut queued: VecDeque<(u32, Event)> = VecDeque::new();
        let buffer_items = bytes_of::<Row>(self.dataset.buffers[0].len()) / ITEM_BYTES;
        let mut first = 0_u64;
        for buffer in &self.dataset.buffers {
            let buffer_first = first;
            let end = buffer_first + bytes_of::<Row>(buffer.len()) / ITEM_BYTES;
            debug_assert!(end - buffer_first <= buffer_items, "the first buffer is the largest");
            while first < end {
                if progress.is_stopped() {
                    return Err(OpenClError::Stopped);
                }
                let count = size.next(f64::INFINITY, end - first);
                queued.push_back((count, self.launch(buffer, buffer_first, first, count)?));
                first += u64::from(count);
                if queued.len() == 2 {
                    self.finish_oldest(&mut queued, &mut size, progress)?;
                }
            }
        }
        while !queued.is_empty() {
            self.finish_oldest(&mut queued, &mut size, progress)?;
        }
        Ok(())
    }

    fn launch(
        &self,
        buffer: &DeviceBuffer<Row>,
        buffer_first: u64,
        first: u64,
        count: u32,
    ) -> Result<Event, OpenClError> {
        let rows = self.cache.row_count;
        // Datasets have fewer than 2^32 items, which `Parameters` counts in 32 bits.
        let first = u32::try_from(first).unwrap_or(u32::MAX);
        let arguments = [
            Argument::Rows(self.cache.rows.raw()),
            Argument::Word(rows),
            Argument::Word(u32::MAX / rows),
            Argument::Rows(buffer.raw()),
            Argument::Long(buffer_first),
            Argument::Word(first),
            Argument::Word(count),
        ];
        let work_items = count.div_ceil(self.items_per_work_item) as usize;
        self.dataset.context.launch(&self.kernel, &arguments, work_items, WORK_GROUP)
    }

    fn finish_oldest(
        &self,
        queued: &mut VecDeque<(u32, Event)>,
        size: &mut LaunchSize,
        progress: &Progress,
    ) -> Result<(), OpenClError> {
        let Some((count, event)) = queued.pop_front() else { return Ok(()) };
        let context = &self.dataset.context;
        context.wait(&event, PAUSE, || Ok(()))?;
        size.measured(count, context.seconds(&event)?);
        progress.add(u64::from(count));
        Ok(())
    }
}
