//! A light cache in device memory.
//!
//! Dataset generation has its own passing copy of one; this one stays, for searches without a dataset.

use super::buffer::{DeviceBuffer, bytes_of};
use super::context::{Argument, DeviceContext};
use super::device::Device;
use super::error::OpenClError;
use crate::ethash::{Parameters, Row};

/// A light cache on a device.
#[derive(Debug)]
pub struct DeviceLightCache {
    context: DeviceContext,
    parameters: Parameters,
    rows: DeviceBuffer<Row>,
    row_count: u32,
}

impl DeviceLightCache {
    /// Brings the light cache `rows` of `parameters` onto `device`.
    ///
    /// # Errors
    /// [`OpenClError::OutOfMemory`], [`OpenClError::UnusableParameters`] for parameters without a page or a row, and
    /// what the driver refuses.
    pub fn upload(device: &Device, parameters: &Parameters, rows: &[Row]) -> Result<Self, OpenClError> {
        let unusable = OpenClError::UnusableParameters { items: parameters.dataset_items, rows: rows.len() };
        let row_count = match u32::try_from(rows.len()) {
            Ok(count @ 1..) if parameters.dataset_pages() > 0 => count,
            _ => return Err(unusable),
        };
        let context = DeviceContext::open(device)?;
        let needed_bytes = bytes_of::<Row>(rows.len());
        if context.available_bytes() < needed_bytes {
            return Err(OpenClError::OutOfMemory {
                device: device.name.clone(),
                what: "the light cache",
                needed_bytes,
                available_bytes: context.available_bytes(),
            });
        }
        let mut buffer = DeviceBuffer::allocate(&context, "the light cache", rows.len())?;
        buffer.write(&context, 0, rows)?;
        Ok(Self { context, parameters: *parameters, rows: buffer, row_count })
    }

    pub(super) const fn context(&self) -> &DeviceContext {
        &self.context
    }

    pub(super) const fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The arguments that the kernel over it starts with: rows, their number, its reciprocal.
    pub(super) fn arguments(&self) -> [Argument<'_>; 3] {
        let rows = self.row_count;
        [Argument::Rows(self.rows.raw()), Argument::Word(rows), Argument::Word(u32::MAX / rows)]
    }
}
