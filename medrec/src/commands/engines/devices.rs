//! The OpenCL part of `medrec engines`.

use medrec_kernels::opencl::{Device, DeviceKind, Platform, platforms};
use serde::Serialize;

use crate::table::aligned;

/// One device.
#[derive(Debug, Serialize)]
struct DeviceRow {
    /// The number that `--device` takes.
    index: usize,
    name: String,
    kind: &'static str,
    platform: String,
    driver_version: String,
    memory_bytes: u64,
    largest_allocation_bytes: u64,
    compute_units: u32,
    is_available: bool,
}

/// Platforms and devices, or why there are none.
#[derive(Debug, Serialize)]
pub(super) struct OpenCl {
    platforms: Vec<String>,
    devices: Vec<DeviceRow>,
    /// Which device a search would take and why, or why there is none and how to get one.
    reason: String,
}

/// Asks the loader, if there is one.
pub(super) fn list() -> OpenCl {
    match platforms() {
        Ok(platforms) => {
            let devices = platforms.iter().flat_map(|platform| platform.devices.iter().map(row)).collect();
            OpenCl { reason: reason(&platforms), platforms: platforms.iter().map(name).collect(), devices }
        }
        Err(error) => OpenCl { platforms: Vec::new(), devices: Vec::new(), reason: error.to_string() },
    }
}

fn name(platform: &Platform) -> String {
    format!("{} ({}, {})", platform.name, platform.vendor, platform.version)
}

fn reason(platforms: &[Platform]) -> String {
    let devices = || platforms.iter().flat_map(|platform| &platform.devices).filter(|d| d.is_available);
    let graphics = devices().filter(|device| device.kind != DeviceKind::Cpu);
    if let Some(device) = graphics.max_by_key(|device| device.global_memory_bytes) {
        return format!("device {} is the graphics device with the most memory", device.index);
    }
    if devices().next().is_some() {
        return "only processors: the engines above are faster on them than OpenCL".to_owned();
    }
    "the installed platforms list no device that can be used".to_owned()
}

fn row(device: &Device) -> DeviceRow {
    DeviceRow {
        index: device.index,
        name: device.name.clone(),
        kind: match device.kind {
            DeviceKind::Gpu => "gpu",
            DeviceKind::Cpu => "cpu",
            DeviceKind::Accelerator => "accelerator",
            DeviceKind::Other => "other",
        },
        platform: device.platform.clone(),
        driver_version: device.driver_version.clone(),
        memory_bytes: device.global_memory_bytes,
        largest_allocation_bytes: device.max_allocation_bytes,
        compute_units: device.compute_units,
        is_available: device.is_available,
    }
}

impl OpenCl {
    /// The part as text.
    pub(super) fn text(&self) -> String {
        if self.devices.is_empty() {
            return format!("OpenCL: {}\n", self.reason);
        }
        let header =
            ["device", "kind", "memory", "largest allocation", "compute units", "usable", "platform"];
        let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
        let rows: Vec<Vec<String>> = self
            .devices
            .iter()
            .map(|row| {
                vec![
                    format!("{} {}", row.index, row.name),
                    row.kind.to_owned(),
                    mebibytes(row.memory_bytes),
                    mebibytes(row.largest_allocation_bytes),
                    row.compute_units.to_string(),
                    if row.is_available { "yes" } else { "no" }.to_owned(),
                    row.platform.clone(),
                ]
            })
            .collect();
        format!("OpenCL: {}\n{}", self.reason, aligned(&header.map(str::to_owned), &rows))
    }
}
