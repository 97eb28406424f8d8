//! What can be tuned about a search kernel, and what a device can run.
//!
//! The best values are found by `autotune.rs`; the meaning of each is told in `search_group.cl`.

use serde::{Deserialize, Serialize};

use super::device::{Device, DeviceKind};
use super::error::OpenClError;

/// Which search kernel, with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kernel", rename_all = "snake_case")]
pub enum Tuning {
    /// Several work-items a hash, for GPUs.
    Group(GroupTuning),
    /// Eight hashes a work-item, for CPU devices.
    Vector(VectorTuning),
}

/// Sizes of the kernel for GPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTuning {
    /// Work-items that share a hash: 1, 2, 4 or 8.
    pub lanes: u32,
    /// Hashes that a work-item takes part in at a time: divides `lanes`.
    pub in_flight: u32,
    /// Work-items of a group: a multiple of `lanes`.
    pub work_group: u32,
    /// How the lanes of a hash tell each other the next page.
    pub exchange: Exchange,
    /// Registers a work-item may use; NVIDIA only. None: the compiler decides.
    pub max_registers: Option<u32>,
}

/// Sizes of the kernel for CPU devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VectorTuning {
    /// Work-items of a group.
    pub work_group: u32,
}

/// How the lanes of a hash tell each other the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchange {
    /// Through local memory with a barrier: every device.
    Local,
    /// By `sub_group_shuffle`: devices with `cl_khr_subgroup_shuffle`.
    Shuffle,
    /// By the instruction `shfl.sync`: NVIDIA.
    Ptx,
}

impl Tuning {
    /// A tuning that runs on `device` and is fair without having measured anything.
    pub fn default_for(device: &Device) -> Self {
        match device.kind {
            DeviceKind::Cpu => Self::Vector(VectorTuning { work_group: 4 }),
            _ => Self::Group(GroupTuning {
                lanes: 8,
                in_flight: 4,
                work_group: 128.min(largest_power_of_two(device.max_work_group)).max(8),
                exchange: Exchange::Local,
                max_registers: None,
            }),
        }
    }

    /// Work-items of a group.
    pub const fn work_group(&self) -> u32 {
        match self {
            Self::Group(tuning) => tuning.work_group,
            Self::Vector(tuning) => tuning.work_group,
        }
    }

    /// Nonces that one work-item owns.
    pub(super) const fn nonces_per_work_item(&self) -> u32 {
        match self {
            Self::Group(_) => 1,
            Self::Vector(_) => 8,
        }
    }

    /// Whether `device` can run this.
    ///
    /// # Errors
    /// [`OpenClError::UnusableTuning`] saying what does not fit.
    pub fn check(&self, device: &Device) -> Result<(), OpenClError> {
        let fault = match self {
            Self::Group(tuning) => tuning.fault(device),
            Self::Vector(_) => None,
        };
        let group = self.work_group();
        let fault = fault.or_else(|| {
            let fits = group != 0 && group as usize <= device.max_work_group;
            (!fits)
                .then(|| format!("a work-group of {group}, the device allows 1 to {}", device.max_work_group))
        });
        match fault {
            None => Ok(()),
            Some(reason) => Err(OpenClError::UnusableTuning { device: device.name.clone(), reason }),
        }
    }
}

impl GroupTuning {
    fn fault(&self, device: &Device) -> Option<String> {
        let Self { lanes, in_flight, work_group, exchange, max_registers } = *self;
        if ![1, 2, 4, 8].contains(&lanes) {
            return Some(format!("{lanes} lanes a hash, possible are 1, 2, 4 and 8"));
        }
        if in_flight == 0 || !lanes.is_multiple_of(in_flight) {
            return Some(format!("{in_flight} hashes in flight do not divide {lanes} lanes"));
        }
        if !work_group.is_multiple_of(lanes) {
            return Some(format!("a work-group of {work_group} is no multiple of {lanes} lanes"));
        }
        match exchange {
            Exchange::Local => {}
            Exchange::Shuffle if device.has("cl_khr_subgroup_shuffle") => {}
            Exchange::Ptx if device.is_nvidia() && work_group.is_multiple_of(32) => {}
            _ => return Some(format!("exchange {exchange:?} is not possible with groups of {work_group}")),
        }
        if max_registers.is_some() && !device.has("cl_nv_compiler_options") {
            return Some("a limit of registers is possible on NVIDIA only".to_owned());
        }
        None
    }
}

fn largest_power_of_two(limit: usize) -> u32 {
    u32::try_from(limit).ok().and_then(u32::checked_ilog2).map_or(1 << 31, |bits| 1 << bits)
}
