//! Which platforms and devices exist, with what matters for Ethash about each.
//!
//! Plain data: how it is shown is the caller's business, and nothing is opened beyond asking the drivers.

use std::sync::{Mutex, PoisonError};

use opencl3::device::{
    CL_DEVICE_TYPE_ACCELERATOR, CL_DEVICE_TYPE_ALL, CL_DEVICE_TYPE_CPU, CL_DEVICE_TYPE_GPU, Device as Handle,
};
use opencl3::error_codes::{
    CL_DEVICE_NOT_FOUND, CL_PLATFORM_NOT_FOUND_KHR, ClError, DLOPEN_RUNTIME_LOAD_FAILED,
};
use opencl3::platform::{Platform as PlatformHandle, get_platforms};

use super::OpenClError;

/// Extensions that change what the kernels can do.
const RELEVANT_EXTENSIONS: [&str; 6] = [
    "cl_khr_subgroups",
    "cl_khr_subgroup_shuffle",
    "cl_nv_compiler_options",
    "cl_nv_device_attribute_query",
    "cl_amd_device_attribute_query",
    "cl_intel_subgroups",
];

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// A graphics processor.
    Gpu,
    /// The host's own processor.
    Cpu,
    /// A dedicated accelerator.
    Accelerator,
    /// Anything else.
    Other,
}

/// An OpenCL platform: one driver.
#[derive(Debug, Clone)]
pub struct Platform {
    /// `CL_PLATFORM_NAME`.
    pub name: String,
    /// `CL_PLATFORM_VENDOR`.
    pub vendor: String,
    /// `CL_PLATFORM_VERSION`.
    pub version: String,
    /// The platform's devices, in the driver's order.
    pub devices: Vec<Device>,
}

/// An OpenCL device.
#[derive(Debug, Clone)]
pub struct Device {
    /// Position among all devices of all platforms, from 0.
    pub index: usize,
    /// Position of the platform, from 0.
    pub platform_index: usize,
    /// Position within the platform, from 0.
    pub device_index: usize,
    /// The platform's name.
    pub platform: String,
    /// `CL_DEVICE_NAME`.
    pub name: String,
    /// `CL_DEVICE_VENDOR`.
    pub vendor: String,
    /// `CL_DEVICE_VERSION`.
    pub version: String,
    /// `CL_DRIVER_VERSION`.
    pub driver_version: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Bytes of memory that the driver states. For a CPU device the driver's statement is a policy, not
    /// a fact about the machine.
    pub global_memory_bytes: u64,
    /// The largest single allocation in bytes.
    pub max_allocation_bytes: u64,
    /// Bytes of local memory of a compute unit.
    pub local_memory_bytes: u64,
    /// Compute units (streaming multiprocessors, cores).
    pub compute_units: u32,
    /// The largest work-group, in work-items.
    pub max_work_group: usize,
    /// Whether the device's compiler can be used now.
    pub is_available: bool,
    /// Those of the device's extensions that matter here.
    pub extensions: Vec<&'static str>,
    handle: Handle,
}

impl Device {
    /// Whether NVIDIA's driver runs the device.
    pub fn is_nvidia(&self) -> bool {
        self.vendor.contains("NVIDIA")
    }

    /// Whether the device has `extension`, one of those that matter here.
    pub fn has(&self, extension: &str) -> bool {
        self.extensions.contains(&extension)
    }

    /// The device in one line, as errors list it.
    pub fn summary(&self) -> String {
        let Self { index, platform_index, device_index, name, platform, .. } = self;
        let mebibytes = self.global_memory_bytes >> 20;
        format!("{index} ({platform_index}:{device_index}) {name}, {mebibytes} MiB, {platform}")
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    fn query(handle: Handle, platform: &PlatformData, device_index: usize) -> Result<Self, ClError> {
        let kind = match handle.dev_type()? {
            kind if kind & CL_DEVICE_TYPE_GPU != 0 => DeviceKind::Gpu,
            kind if kind & CL_DEVICE_TYPE_CPU != 0 => DeviceKind::Cpu,
            kind if kind & CL_DEVICE_TYPE_ACCELERATOR != 0 => DeviceKind::Accelerator,
            _ => DeviceKind::Other,
        };
        let extensions = handle.extensions()?;
        let has = |wanted: &&str| extensions.split_ascii_whitespace().any(|name| name == *wanted);
        Ok(Self {
            index: 0,
            platform_index: platform.index,
            device_index,
            platform: platform.name.clone(),
            name: clean(&handle.name()?),
            vendor: clean(&handle.vendor()?),
            version: clean(&handle.version()?),
            driver_version: clean(&handle.driver_version()?),
            kind,
            global_memory_bytes: handle.global_mem_size()?,
            max_allocation_bytes: handle.max_mem_alloc_size()?,
            local_memory_bytes: handle.local_mem_size()?,
            compute_units: handle.max_compute_units()?,
            max_work_group: handle.max_work_group_size()?,
            is_available: handle.available()? && handle.compiler_available()?,
            extensions: RELEVANT_EXTENSIONS.into_iter().filter(has).collect(),
            handle,
        })
    }
}

struct PlatformData {
    index: usize,
    name: String,
}

/// Every platform and device of this machine. A platform without devices is listed without devices.
///
/// # Errors
/// [`OpenClError::LoaderMissing`] and [`OpenClError::NoPlatform`], at once and distinct;
/// [`OpenClError::Call`] when a driver fails to answer.
pub fn platforms() -> Result<Vec<Platform>, OpenClError> {
    // Loaders and drivers set themselves up at the first call, not all of them safely: PoCL 3.1 crashes
    // when two threads make that call at once. Everything else here starts from a listed device.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let handles = get_platforms().map_err(|code| match code.0 {
        DLOPEN_RUNTIME_LOAD_FAILED => OpenClError::LoaderMissing,
        CL_PLATFORM_NOT_FOUND_KHR => OpenClError::NoPlatform,
        _ => OpenClError::of_call("OpenCL", "clGetPlatformIDs", code),
    })?;
    if handles.is_empty() {
        return Err(OpenClError::NoPlatform);
    }
    let mut platforms = handles
        .iter()
        .enumerate()
        .map(|(index, handle)| query_platform(index, handle))
        .collect::<Result<Vec<_>, ClError>>()
        .map_err(|code| OpenClError::of_call("OpenCL", "clGetDeviceInfo", code))?;
    for (index, device) in platforms.iter_mut().flat_map(|platform| &mut platform.devices).enumerate() {
        device.index = index;
    }
    Ok(platforms)
}

fn query_platform(index: usize, handle: &PlatformHandle) -> Result<Platform, ClError> {
    let name = clean(&handle.name()?);
    let data = PlatformData { index, name: name.clone() };
    let ids = match handle.get_devices(CL_DEVICE_TYPE_ALL) {
        Err(code) if code.0 == CL_DEVICE_NOT_FOUND => Vec::new(),
        ids => ids?,
    };
    let devices = ids
        .into_iter()
        .enumerate()
        .map(|(device_index, id)| Device::query(Handle::new(id), &data, device_index))
        .collect::<Result<_, _>>()?;
    Ok(Platform { name, vendor: clean(&handle.vendor()?), version: clean(&handle.version()?), devices })
}

/// Drivers pad their texts with spaces and zero bytes.
fn clean(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}
