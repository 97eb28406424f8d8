//! What can go wrong with an OpenCL device, by what the caller can do about it.
//!
//! Texts name the device and the numbers; nothing here decides what to do next.

use std::path::PathBuf;

use opencl3::error_codes::{
    CL_DEVICE_NOT_AVAILABLE, CL_INVALID_BUFFER_SIZE, CL_INVALID_COMMAND_QUEUE,
    CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_HOST_MEMORY, CL_OUT_OF_RESOURCES, ClError,
};

/// An error of this module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenClError {
    /// The loader library cannot be opened: no OpenCL is installed.
    #[error(
        "no OpenCL on this machine: the loader libOpenCL.so.1 cannot be opened\n\nhint: install the \
         graphics driver's OpenCL package, or `ocl-icd-libopencl1 pocl-opencl-icd` to use the CPU"
    )]
    LoaderMissing,
    /// The loader works and knows no platform: no driver is registered with it.
    #[error(
        "the OpenCL loader is installed, but no driver is registered with it\n\nhint: install the graphics \
         driver's OpenCL package, or `pocl-opencl-icd` to use the CPU; drivers are listed in \
         /etc/OpenCL/vendors or the folder named by OCL_ICD_VENDORS"
    )]
    NoPlatform,
    /// No device matches what was asked for.
    #[error("no OpenCL device matches `{wanted}`; there are:\n{}", available.join("\n"))]
    NoSuchDevice {
        /// What was asked for.
        wanted: String,
        /// One line for each device that exists.
        available: Vec<String>,
    },
    /// Several devices match a name where one is needed.
    #[error("`{wanted}` matches several OpenCL devices:\n{}\n\nhint: choose by number", matching.join("\n"))]
    AmbiguousDevice {
        /// What was asked for.
        wanted: String,
        /// One line for each device that matches.
        matching: Vec<String>,
    },
    /// The driver's compiler refused a kernel.
    #[error("{device}: the driver cannot build the kernels with `{options}`:\n{log}")]
    Build {
        /// The device's name.
        device: String,
        /// The build options.
        options: String,
        /// The driver's build log.
        log: String,
    },
    /// A tuning that the device cannot run.
    #[error("{device}: unusable tuning: {reason}")]
    UnusableTuning {
        /// The device's name.
        device: String,
        /// What does not fit.
        reason: String,
    },
    /// The device has too little memory.
    #[error("{device}: {what} needs {needed_bytes} bytes, {available_bytes} are available")]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// What was to be stored.
        what: &'static str,
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes that the device can give.
        available_bytes: u64,
    },
    /// The dataset would need more buffers than the kernels take.
    #[error(
        "{device}: a dataset of {needed_bytes} bytes does not fit in {max_buffers} allocations of at most \
         {max_allocation_bytes} bytes"
    )]
    AllocationLimit {
        /// The device's name.
        device: String,
        /// Bytes of the dataset.
        needed_bytes: u64,
        /// The device's limit for one allocation.
        max_allocation_bytes: u64,
        /// Buffers that the kernels can take.
        max_buffers: u32,
    },
    /// Parameters that nothing can be searched over.
    #[error("a dataset of {items} items from a cache of {rows} rows: at least 2 items and 1 row are needed")]
    UnusableParameters {
        /// Items of the dataset.
        items: u32,
        /// Rows of the light cache.
        rows: usize,
    },
    /// A call failed in a way that means the device is gone or was reset.
    #[error(
        "{device}: lost during {call}: {code}\n\nhint: look into the kernel log for a reset of the device"
    )]
    DeviceLost {
        /// The device's name.
        device: String,
        /// The OpenCL call.
        call: &'static str,
        /// The error, as OpenCL names it.
        code: ClError,
    },
    /// Any other failed call.
    #[error("{device}: {call}: {code}")]
    Call {
        /// The device's name, or `OpenCL` before one is chosen.
        device: String,
        /// The OpenCL call.
        call: &'static str,
        /// The error, as OpenCL names it.
        code: ClError,
    },
    /// The device reported a solution that the CPU does not confirm.
    #[error(
        "{device}: wrong answer for nonce {nonce:#018x}\n\nhint: faulty memory, or clocks or voltage beyond what \
         the device can do; generate the dataset again at default settings"
    )]
    WrongAnswer {
        /// The device's name.
        device: String,
        /// The nonce in question.
        nonce: u64,
    },
    /// Somebody asked the task to stop.
    #[error("stopped")]
    Stopped,
    /// The file of tunings cannot be written.
    #[error("{}: {source}", path.display())]
    TuningFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl OpenClError {
    /// Sorts a failed call by what the caller can do.
    pub(super) fn of_call(device: &str, call: &'static str, code: ClError) -> Self {
        let device = device.to_owned();
        match code.0 {
            // NVIDIA's driver answers CL_OUT_OF_RESOURCES to everything after a fault.
            CL_DEVICE_NOT_AVAILABLE | CL_OUT_OF_RESOURCES | CL_INVALID_COMMAND_QUEUE => {
                Self::DeviceLost { device, call, code }
            }
            _ => Self::Call { device, call, code },
        }
    }

    /// Sorts a failed allocation of `needed_bytes`.
    pub(super) fn of_allocation(
        device: &str,
        what: &'static str,
        needed_bytes: u64,
        available_bytes: u64,
        code: ClError,
    ) -> Self {
        match code.0 {
            CL_MEM_OBJECT_ALLOCATION_FAILURE
            | CL_OUT_OF_RESOURCES
            | CL_OUT_OF_HOST_MEMORY
            | CL_INVALID_BUFFER_SIZE => {
                Self::OutOfMemory { device: device.to_owned(), what, needed_bytes, available_bytes }
            }
            _ => Self::of_call(device, "clCreateBuffer", code),
        }
    }
}
