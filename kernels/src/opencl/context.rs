//! An opened device: its context, its two queues, and launching kernels on it.
//!
//! One in-order queue computes; the other moves small data while kernels run, so that reading one
//! launch's results never waits for the next launch. What is computed is told elsewhere.

use std::thread::sleep;
use std::time::Duration;

use opencl3::command_queue::{CL_QUEUE_PROFILING_ENABLE, CommandQueue};
use opencl3::context::Context;
use opencl3::event::Event;
use opencl3::kernel::Kernel;
use opencl3::memory::{Buffer, ClMem};
use opencl3::types::cl_mem;

use super::device::{Device, DeviceKind};
use super::error::OpenClError;

/// An opened device.
#[derive(Debug)]
pub struct DeviceContext {
    device: Device,
    context: Context,
    compute: CommandQueue,
    transfer: CommandQueue,
}

/// A kernel argument: exactly the types that the kernels' signatures use.
pub(super) enum Argument<'a> {
    /// `__global` pointer.
    Rows(&'a Buffer<crate::ethash::Row>),
    /// `__global uint *`.
    Words(&'a Buffer<u32>),
    /// `uint`.
    Word(u32),
    /// `ulong`.
    Long(u64),
    /// `ulong4`.
    Longs([u64; 4]),
}

impl DeviceContext {
    /// Opens `device`.
    ///
    /// # Errors
    /// [`OpenClError::Call`] when the driver refuses.
    pub fn open(device: &Device) -> Result<Self, OpenClError> {
        let failed = |call| move |code| OpenClError::of_call(&device.name, call, code);
        let context = Context::from_device(device.handle()).map_err(failed("clCreateContext"))?;
        let queue = || {
            // The call of OpenCL 1.0, because devices older than 2.0 have no other.
            // SAFETY: the device is the one that the context was made of.
            unsafe { CommandQueue::create(&context, device.handle().id(), CL_QUEUE_PROFILING_ENABLE) }
        };
        let compute = queue().map_err(failed("clCreateCommandQueue"))?;
        let transfer = queue().map_err(failed("clCreateCommandQueue"))?;
        Ok(Self { device: device.clone(), context, compute, transfer })
    }

    /// What was opened.
    pub const fn device(&self) -> &Device {
        &self.device
    }

    pub(super) const fn context(&self) -> &Context {
        &self.context
    }

    pub(super) const fn compute(&self) -> &CommandQueue {
        &self.compute
    }

    pub(super) const fn transfer(&self) -> &CommandQueue {
        &self.transfer
    }

    /// Bytes that can be allocated in all: what the driver states; on a CPU device what the machine has
    /// free, because there the driver's number is a policy that it does not hold anybody to.
    pub fn available_bytes(&self) -> u64 {
        match self.device.kind {
            DeviceKind::Cpu => host_available_bytes().unwrap_or(self.device.global_memory_bytes),
            _ => self.device.global_memory_bytes,
        }
    }

    pub(super) fn failed(
        &self,
        call: &'static str,
    ) -> impl FnOnce(opencl3::error_codes::ClError) -> OpenClError {
        let name = self.device.name.clone();
        move |code| OpenClError::of_call(&name, call, code)
    }

    /// Enqueues `kernel` on `work_items` (rounded up to whole groups of `work_group`) and hands it to the device.
    pub(super) fn launch(
        &self,
        kernel: &Kernel,
        arguments: &[Argument<'_>],
        work_items: usize,
        work_group: usize,
    ) -> Result<Event, OpenClError> {
        for (index, argument) in (0..).zip(arguments) {
            set_argument(kernel, index, argument).map_err(self.failed("clSetKernelArg"))?;
        }
        let global = work_items.next_multiple_of(work_group);
        // SAFETY: the sizes live through the call; the arguments were set just now, with the types of the
        // kernel's signature (OpenCL refuses a wrong size), and the kernels check their index against the
        // count they are given. Buffers that the kernel uses are kept alive by OpenCL's own reference count.
        let event = unsafe {
            self.compute.enqueue_nd_range_kernel(
                kernel.get(),
                1,
                std::ptr::null(),
                &raw const global,
                &raw const work_group,
                &[],
            )
        }
        .map_err(self.failed("clEnqueueNDRangeKernel"))?;
        self.compute.flush().map_err(self.failed("clFlush"))?;
        Ok(event)
    }

    /// Waits for `event`, looking every `pause` whether it is done and calling `meanwhile` before each pause.
    /// Drivers burn a core in their own wait; this does not.
    ///
    /// # Errors
    /// What made the command fail, or what `meanwhile` returned.
    pub(super) fn wait(
        &self,
        event: &Event,
        pause: Duration,
        mut meanwhile: impl FnMut() -> Result<(), OpenClError>,
    ) -> Result<(), OpenClError> {
        loop {
            let status = event.command_execution_status().map_err(self.failed("clGetEventInfo"))?.0;
            match status {
                0 => return Ok(()),
                // Negative: the code of the error that ended the command.
                code if code < 0 => return Err(self.failed("a kernel")(code.into())),
                _ => {
                    meanwhile()?;
                    sleep(pause);
                }
            }
        }
    }

    /// Seconds that the device spent on a finished command.
    pub(super) fn seconds(&self, event: &Event) -> Result<f64, OpenClError> {
        let time = || Ok((event.profiling_command_start()?, event.profiling_command_end()?));
        let (start, end) = time().map_err(self.failed("clGetEventProfilingInfo"))?;
        Ok(Duration::from_nanos(end.saturating_sub(start)).as_secs_f64())
    }
}

fn set_argument(kernel: &Kernel, index: u32, argument: &Argument<'_>) -> opencl3::Result<()> {
    // SAFETY: each value has the size and layout of the parameter's type in the kernel (`Argument` says
    // which), and lives through the call, which copies it.
    unsafe {
        match argument {
            Argument::Rows(buffer) => kernel.set_arg::<cl_mem>(index, &buffer.get()),
            Argument::Words(buffer) => kernel.set_arg::<cl_mem>(index, &buffer.get()),
            Argument::Word(word) => kernel.set_arg(index, word),
            Argument::Long(long) => kernel.set_arg(index, long),
            Argument::Longs(longs) => kernel.set_arg(index, longs),
        }
    }
}

/// `MemAvailable` of Linux: free memory and what can be freed without swapping.
fn host_available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
