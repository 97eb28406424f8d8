//! What hashes: the engine and the devices that arguments name.

use medrec_kernels::ethash::Engine;
use medrec_kernels::opencl::{Device, DeviceSelector, OpenClError, devices, select};

use crate::exit::{Unavailable, Usage};

/// The engine called `name`; the fastest of this processor when nobody names one.
pub(super) fn engine(name: Option<&str>) -> anyhow::Result<Engine> {
    match name {
        Some(name) => Engine::by_name(name).map_err(|error| Unavailable(error.to_string()).into()),
        None => Ok(Engine::best()),
    }
}

/// The devices that `wanted` names, each once, in that order.
pub(super) fn named_devices(wanted: &[String]) -> anyhow::Result<Vec<Device>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let unavailable = |error: OpenClError| Unavailable(error.to_string());
    let all = devices().map_err(unavailable)?;
    let mut chosen: Vec<Device> = Vec::new();
    for text in wanted {
        let selector = match text.parse::<DeviceSelector>() {
            Ok(selector) => selector,
            Err(never) => match never {},
        };
        let device = select(&all, &selector).map_err(unavailable)?;
        if chosen.iter().any(|other| other.index == device.index) {
            return Err(Usage(format!("--device {text}: that device is named twice")).into());
        }
        chosen.push(device.clone());
    }
    Ok(chosen)
}
