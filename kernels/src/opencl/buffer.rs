//! Typed device memory with bounds checked on the host.
//!
//! Every transfer blocks, so that no host memory is in a driver's hands after a call returns.

use std::ffi::c_void;
use std::ptr;

use opencl3::event::Event;
use opencl3::memory::{Buffer, CL_MEM_READ_WRITE};
use opencl3::types::CL_BLOCKING;

use super::context::DeviceContext;
use super::error::OpenClError;
use crate::ethash::Row;

/// What may lie in device memory: plain words without padding, any bit pattern valid.
pub(super) trait Plain: Copy + Default {}
impl Plain for u32 {}
impl Plain for Row {}

/// `len` values of device memory.
#[derive(Debug)]
pub(super) struct DeviceBuffer<T> {
    buffer: Buffer<T>,
    len: usize,
}

/// Bytes of `count` values.
pub(super) const fn bytes_of<T>(count: usize) -> u64 {
    // A usize fits in a u64 on every target of this crate.
    size_of::<T>() as u64 * count as u64
}

impl<T: Plain> DeviceBuffer<T> {
    /// Allocates; the contents are undefined until written. The driver may hand out the memory only at
    /// first use.
    pub(super) fn allocate(
        context: &DeviceContext,
        what: &'static str,
        len: usize,
    ) -> Result<Self, OpenClError> {
        // SAFETY: no host pointer is passed, so there is nothing that would have to outlive the buffer.
        let buffer =
            unsafe { Buffer::create(context.context(), CL_MEM_READ_WRITE, len, ptr::null_mut::<c_void>()) }
                .map_err(|code| {
                OpenClError::of_allocation(
                    &context.device().name,
                    what,
                    bytes_of::<T>(len),
                    context.available_bytes(),
                    code,
                )
            })?;
        Ok(Self { buffer, len })
    }

    pub(super) const fn raw(&self) -> &Buffer<T> {
        &self.buffer
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Writes `values` from position `first` on.
    ///
    /// # Panics
    /// When they pass the buffer's end.
    pub(super) fn write(
        &mut self,
        context: &DeviceContext,
        first: usize,
        values: &[T],
    ) -> Result<(), OpenClError> {
        self.check(first, values.len());
        if values.is_empty() {
            return Ok(());
        }
        let offset = first * size_of::<T>();
        // SAFETY: the range was checked against the buffer; the call blocks until `values` was read.
        unsafe {
            context.transfer().enqueue_write_buffer(&mut self.buffer, CL_BLOCKING, offset, values, &[])
        }
        .map_err(context.failed("clEnqueueWriteBuffer"))?;
        Ok(())
    }

    /// Reads `values.len()` values from position `first` on.
    ///
    /// # Panics
    /// When they pass the buffer's end.
    pub(super) fn read(
        &self,
        context: &DeviceContext,
        first: usize,
        values: &mut [T],
    ) -> Result<(), OpenClError> {
        self.check(first, values.len());
        if values.is_empty() {
            return Ok(());
        }
        let offset = first * size_of::<T>();
        // SAFETY: the range was checked against the buffer; the call blocks until `values` is written, and any
        // bits are a valid `Plain` value.
        unsafe { context.transfer().enqueue_read_buffer(&self.buffer, CL_BLOCKING, offset, values, &[]) }
            .map_err(context.failed("clEnqueueReadBuffer"))?;
        Ok(())
    }

    /// Enqueues zeroing of the first `count` values, in order with kernels.
    pub(super) fn enqueue_zero(&mut self, context: &DeviceContext, count: usize) -> Result<(), OpenClError> {
        self.check(0, count);
        let bytes = count * size_of::<T>();
        // SAFETY: the range was checked against the buffer; OpenCL copies the pattern during the call.
        unsafe { context.compute().enqueue_fill_buffer(&mut self.buffer, &[T::default()], 0, bytes, &[]) }
            .map_err(context.failed("clEnqueueFillBuffer"))?;
        Ok(())
    }

    /// Enqueues copying of the first `count` values of `source`, in order with kernels.
    pub(super) fn enqueue_copy(
        &mut self,
        context: &DeviceContext,
        source: &Self,
        count: usize,
    ) -> Result<Event, OpenClError> {
        self.check(0, count);
        source.check(0, count);
        let bytes = count * size_of::<T>();
        // SAFETY: the range was checked against both buffers, which are distinct.
        let event = unsafe {
            context.compute().enqueue_copy_buffer(&source.buffer, &mut self.buffer, 0, 0, bytes, &[])
        }
        .map_err(context.failed("clEnqueueCopyBuffer"))?;
        context.compute().flush().map_err(context.failed("clFlush"))?;
        Ok(event)
    }

    fn check(&self, first: usize, count: usize) {
        assert!(
            first <= self.len && count <= self.len - first,
            "device memory {first}..+{count} of {}",
            self.len
        );
    }
}
